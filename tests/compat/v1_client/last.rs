//! What ends the daemon.
use crate::{ck, eq, net::*, note, pb::*};
pub const ALL: &[(&str, fn())] = &[("sigterm", sigterm), ("shutdown", shutdown)];
fn sigterm() {
    let s = pty(&["/bin/cat"]);
    let p = pipe(&["/bin/cat"]);
    let mut a = Att::open(&s.id, false, Enc::new());
    let mut b = Att::open(&p.id, true, Enc::new().u(2, 1));
    let mut idle = Conn::new();
    eq!("idle", code(&idle.call(40, Enc::new())), 0);
    std::process::Command::new("kill").arg(daemon_pid().to_string()).status().unwrap();
    let (x, y) = (a.finish(10.0), b.finish(10.0));
    note("SIGTERM: ends of streams", (&x, &y));
    ck(
        "6.3 a terminal frame before the close",
        matches!(x, End::Error(_) | End::Exit(_)) && matches!(y, End::Error(_) | End::Exit(_) | End::Eof),
        (x, y),
    );
    let g = idle.recv(5.0);
    ck("plain connection closed", matches!(g, Got::Eof), g);
    ck("daemon gone", until(10.0, || !alive(daemon_pid())), "no");
    ck("socket removed", !std::path::Path::new(&socket()).exists(), "there");
    note("G12 children after SIGTERM", (alive(s.pid), alive(p.pid)));
}
fn shutdown() {
    let s = pty(&["/bin/sh", "-c", "trap '' TERM HUP INT; sleep 101 & echo $! up; while :; do sleep 0.1; done"]);
    let p = pipe(&["/bin/sh", "-c", "trap '' TERM; setsid sleep 102 & echo up; while :; do sleep 0.1; done"]);
    for x in [&s, &p] {
        until(3.0, || has(&backlog(&x.id, 1).b(1), b"up"));
    }
    let bg: u32 = String::from_utf8_lossy(&backlog(&s.id, 1).b(1)).split(' ').next().unwrap().trim().parse().unwrap();
    let sd = call(12, Enc::new().s(1, "sleep 20")).m(12).u(1) as u32;
    let mut a = Att::open(&s.id, false, Enc::new());
    let mut b = Att::open(&p.id, true, Enc::new().u(2, 1));
    let mut idle = Conn::new();
    idle.call(40, Enc::new());
    let mut c = Conn::new();
    let t = std::time::Instant::now();
    let mut q = request(3, 41, "c", Some(Enc::new().u(1, 1).d(2, 30.0)));
    q.extend(request(4, 40, "c", None));
    c.send(&q);
    let r = c.reply();
    let gold: Vec<u8> = "00 00 00 14 08 03 1a 0d 73 68 75 74 74 69 6e 67 20 64 6f 77 6e ca 02 00"
        .split(' ')
        .map(|x| u8::from_str_radix(x, 16).unwrap())
        .collect();
    eq!("5 shutdown response bytes", c.raw_last.clone(), gold);
    note("shutdown answered after", t.elapsed());
    let _ = r;
    let g = c.recv(10.0);
    note("request pipelined behind shutdown", format!("{g:?}").len());
    let (x, y) = (a.finish(10.0), b.finish(10.0));
    note("shutdown: ends of streams", (&x, &y));
    ck(
        "G13 a terminal frame before the close",
        matches!(x, End::Error(_) | End::Exit(_)) && matches!(y, End::Error(_) | End::Exit(_) | End::Eof),
        (x, y),
    );
    let g = idle.recv(5.0);
    ck("plain connection closed", matches!(g, Got::Eof), g);
    ck("daemon gone", until(10.0, || !alive(daemon_pid())), "no");
    ck("socket removed", !std::path::Path::new(&socket()).exists(), "there");
    note("gone after", t.elapsed());
    ck(
        "3.11 sessions killed",
        until(3.0, || !alive(s.pid) && !alive(p.pid) && !alive(bg)),
        (alive(s.pid), alive(p.pid), alive(bg)),
    );
    ck("3.11 spawn_daemon children left", alive(sd), sd);
    let _ = std::process::Command::new("kill").arg(sd.to_string()).status();
}
