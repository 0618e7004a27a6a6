//! An independent client of the session daemon protocol v1. Usage: v1_client SOCKET DAEMON_PID SCRATCH [GROUP|GROUP.TEST]...
//!
//! Written from the description of the protocol alone, with the standard library alone: it shares no code, no
//! language and no protobuf runtime with roost. `sigterm` and `shutdown` end the daemon and run only when named.
mod ends;
mod fuzz;
mod last;
mod net;
mod pb;
mod pipes;
mod races;
mod registry;
mod terminal;
mod transport;
use std::sync::atomic::{AtomicUsize, Ordering};
pub static OK: AtomicUsize = AtomicUsize::new(0);
pub static BAD: AtomicUsize = AtomicUsize::new(0);
pub fn ck(name: &str, ok: bool, detail: impl std::fmt::Debug) -> bool {
    if ok {
        OK.fetch_add(1, Ordering::Relaxed);
        if std::env::var("V").is_ok() {
            println!("ok   {name}");
        }
    } else {
        BAD.fetch_add(1, Ordering::Relaxed);
        println!("FAIL {name}: {detail:?}");
    }
    ok
}
pub fn note(name: &str, detail: impl std::fmt::Debug) {
    println!("note {name}: {detail:?}");
}
#[macro_export]
macro_rules! eq {
    ($n:expr, $a:expr, $b:expr) => {
        match (&$a, &$b) {
            (a, b) => $crate::ck(
                $n,
                a == b,
                $crate::Text(if a == b { String::new() } else { format!("{a:?} instead of {b:?}") }),
            ),
        }
    };
}
fn main() {
    let a: Vec<String> = std::env::args().collect();
    unsafe {
        net::SOCKET = a[1].clone();
        net::DAEMON = a[2].parse().unwrap();
        net::SCRATCH = a[3].clone();
    }
    let groups: Vec<(&str, Vec<(&str, fn())>)> = vec![
        ("transport", transport::ALL.to_vec()),
        ("terminal", terminal::ALL.to_vec()),
        ("pipes", pipes::ALL.to_vec()),
        ("ends", ends::ALL.to_vec()),
        ("races", races::ALL.to_vec()),
        ("registry", registry::ALL.to_vec()),
        ("fuzz", fuzz::ALL.to_vec()),
        ("last", last::ALL.to_vec()),
    ];
    for (g, tests) in groups {
        for (n, f) in tests {
            let full = format!("{g}.{n}");
            if (a.len() > 4 || g == "last") && !a[4..].iter().any(|x| *x == g || *x == full) {
                continue;
            }
            let t = std::time::Instant::now();
            if let Err(e) = std::panic::catch_unwind(f) {
                let text = e
                    .downcast_ref::<String>()
                    .cloned()
                    .or(e.downcast_ref::<&str>().map(|s| s.to_string()))
                    .unwrap_or_default();
                ck(&format!("{full} ran to its end"), false, text);
            }
            println!("-- {full} {:.2}s", t.elapsed().as_secs_f64());
        }
    }
    println!("{} ok, {} failed", OK.load(Ordering::Relaxed), BAD.load(Ordering::Relaxed));
    std::process::exit((BAD.load(Ordering::Relaxed) > 0) as i32);
}

pub struct Text(pub String);
impl std::fmt::Debug for Text {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}
