//! Random and damaged bytes; afterwards everything works and nothing has grown.
use crate::{ck, net::*, note, pb::*, races::fds};
use std::io::{Read, Write};
pub const ALL: &[(&str, fn())] =
    &[("requests", requests), ("streams", streams), ("connections", connections), ("attaches", attaches)];
struct Rng(u64);
impl Rng {
    fn n(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }
    fn below(&mut self, k: usize) -> usize {
        (self.n() % k as u64) as usize
    }
}
fn rss() -> u64 {
    std::fs::read_to_string(format!("/proc/{}/status", daemon_pid()))
        .unwrap_or_default()
        .lines()
        .find(|l| l.starts_with("VmRSS"))
        .and_then(|l| l.split_whitespace().nth(1)?.parse().ok())
        .unwrap_or(0)
}
fn count(n: &str, d: usize) -> usize {
    std::env::var(n).ok().and_then(|v| v.parse().ok()).unwrap_or(d)
}
fn seeds(id: &str, pid: &str) -> Vec<Vec<u8>> {
    let t = |id: &str| Enc::new().s(1, id).u(2, 1).u(3, 40);
    let mut v = vec![];
    for ty in [40u64, 42, 20, 21, 22, 62, 63, 67, 68, 70, 71, 72, 74, 75, 76, 77, 78, 79, 80, 50, 51, 54, 55, 56] {
        for x in [id, pid, "nobody"] {
            v.push(request(3, ty, "fuzz", Some(t(x)))[4..].to_vec());
        }
        v.push(request(3, ty, "fuzz", None)[4..].to_vec());
    }
    v.push(request(3, 64, "f", Some(t("nobody")))[4..].to_vec());
    v.push(request(3, 60, "f", Some(Enc::new().s(1, "/nonexistent").s(2, "/tmp").u(5, 3).u(8, 3)))[4..].to_vec());
    v.push(request(3, 65, "f", Some(Enc::new().s(1, "/nonexistent").s(2, "/tmp").u(6, 1)))[4..].to_vec());
    v.push(request(3, 1000, "f", Some(Enc::new().s(2, "sessions.list").b(3, b"{\"all\":true}")))[4..].to_vec());
    v.push(
        request(
            3,
            1000,
            "f",
            Some(Enc::new().s(2, "sessions.logs").b(3, format!("{{\"target\":\"{id}\"}}").as_bytes())),
        )[4..]
            .to_vec(),
    );
    v
}
/// Never let a mutation reach what ends the daemon, kills by pid or spawns: those types are kept out.
fn harmless(f: &[u8]) -> bool {
    match Msg::parse(f) {
        None => true,
        Some(m) => {
            let t = m.u(2) as u32;
            let calls = m.0.iter().any(|x| x.0 == 1000);
            ![41u32, 31, 30, 73, 61, 66, 57, 58, 59, 53, 52].contains(&t)
                && (!calls || t != 1000 || {
                    let s = m.m_opt(1000).map(|x| x.s(2)).unwrap_or_default();
                    s.starts_with("sessions.l") || s == "sessions.get" || s == "daemon.status"
                })
                && (t != 75)
        }
    }
}
impl Msg {
    fn m_opt(&self, n: u32) -> Option<Msg> {
        Msg::parse(&self.b(n))
    }
}
fn mutate(r: &mut Rng, s: &[u8]) -> Vec<u8> {
    let mut b = s.to_vec();
    match r.below(6) {
        0 => {
            let n = r.below(200);
            (0..n).map(|_| r.n() as u8).collect()
        }
        1 => {
            let n = r.below(b.len() + 1);
            b.truncate(n);
            b
        }
        2 => {
            let n = r.below(b.len() + 1);
            let x: Vec<u8> = (0..r.below(12)).map(|_| r.n() as u8).collect();
            b.splice(n..n, x);
            b
        }
        3 => {
            if b.len() > 2 {
                let a = r.below(b.len());
                let e = a + r.below(b.len() - a);
                b.drain(a..e);
            }
            b
        }
        _ => {
            for _ in 0..1 + r.below(4) {
                if !b.is_empty() {
                    let i = r.below(b.len());
                    b[i] ^= 1 << r.below(8);
                }
            }
            b
        }
    }
}
fn requests() {
    let s = pty(&["/bin/cat"]);
    let p = pipe(&["/bin/cat"]);
    let seeds = seeds(&s.id, &p.id);
    let n = count("FUZZ", 70_000);
    let mut r = Rng(count("SEED", 88172645463325252) as u64 | 1);
    let mut c = Conn::new();
    let mut done = 0;
    let (f0, mut m0) = (fds(), 0);
    let mut worst = 0.0f64;
    let mut codes = std::collections::BTreeMap::new();
    let mut texts = std::collections::BTreeMap::new();
    let t0 = std::time::Instant::now();
    while done < n {
        let k = 1 + r.below(40);
        let mut b = vec![];
        let mut sent = vec![];
        for _ in 0..k {
            let f = {
                let s = &seeds[r.below(seeds.len())].clone();
                mutate(&mut r, s)
            };
            if harmless(&f) {
                b.extend(framed(&f));
                sent.push(f);
            }
        }
        c.send(&b);
        let t = std::time::Instant::now();
        for f in &sent {
            match c.recv(30.0) {
                Got::Frame(x) => {
                    let m = Msg::parse(&x).expect("answer parses");
                    *codes.entry(m.u(2)).or_insert(0) += 1;
                    if m.u(2) == 5 {
                        *texts.entry(m.s(3).chars().take(60).collect::<String>()).or_insert(0) += 1;
                    }
                    if m.u(2) == 5 && m.s(3).contains("panicked")
                        || m.s(3).contains("Traceback")
                        || m.s(3).contains("internal server error")
                    {
                        ck("fuzz: handler error", false, (m.s(3), f));
                    }
                }
                o => {
                    ck("fuzz: every frame is answered", false, (format!("{o:?}"), f));
                    c = Conn::new();
                    break;
                }
            }
        }
        worst = worst.max(t.elapsed().as_secs_f64());
        done += sent.len();
        if m0 == 0 && done > n / 4 {
            m0 = rss();
        }
    }
    note("fuzz of requests", (done, t0.elapsed(), worst, &codes));
    note("INTERNAL texts", texts);
    let r2 = c.call(40, Enc::new());
    ck("fuzz: next good request", r2.u(2) == 0, r2.u(2));
    drop(c);
    ck("fuzz: no descriptors", until(3.0, || fds() <= f0 + 1), (f0, fds()));
    let m1 = rss();
    note("memory KiB at a quarter, at the end", (m0, m1));
    ck("fuzz: no memory growth", m1 < m0 + 8000, (m0, m1));
    let i = info(&s.id, false).unwrap();
    note("session after the fuzz", (i.u(11), i.u(12), i.u(8)));
    call(64, Enc::new().s(1, &s.id).u(2, 1));
    call(69, Enc::new().s(1, &p.id).u(2, 1));
}
fn streams() {
    let n = count("FUZZ", 70_000) / 5;
    let mut r = Rng(99991);
    let s = pty(&["/bin/sh", "-c", "stty raw -echo -isig; trap '' INT; while :; do cat >/dev/null; sleep 0.01; done"]);
    nap(200);
    let mut done = 0;
    let m0 = rss();
    let seeds: Vec<Vec<u8>> = vec![
        Enc::new().b(1, b"hello").0,
        Enc::new().m(2, Enc::new().u(1, 5).u(2, 5)).0,
        vec![0x18, 1],
        vec![0x18, 0],
        vec![0x20, 0],
        vec![],
        Enc::new().m(1000, Enc::new().u(1, 1)).0,
    ];
    let mut ended = 0;
    while done < n {
        let mut a = Att::open(&s.id, false, Enc::new().u(4, 1));
        ck("fuzz: attach", a.ok(), &a.first);
        let mut b = vec![];
        let k = 100 + r.below(100);
        for _ in 0..k {
            let x = {
                let s = seeds[r.below(seeds.len())].clone();
                mutate(&mut r, &s)
            };
            b.extend(framed(&x));
            done += 1;
        }
        let ok = a.c.try_send(&b).is_ok();
        let f = a.c.try_send(&framed(&[0x20, 1])).is_ok();
        if !(ok && f) {
            ended += 1;
        }
        let e = a.end(10.0);
        if e != End::Closed {
            ck(
                "fuzz: stream closes after a detach",
                matches!(e, End::Bad(ref s) if s.contains("reset") || s.contains("Broken")),
                e,
            );
        }
    }
    let p = pipe(&["/bin/cat"]);
    let f0 = fds();
    for _ in 0..50 {
        let mut a = Att::open(&p.id, true, Enc::new().u(2, 1).u(3, 1));
        let mut b = vec![];
        for _ in 0..100 {
            b.extend(framed(&mutate(&mut r, &seeds[0])));
            done += 1;
        }
        a.c.send(&b);
        call(70, Enc::new().s(1, &p.id).b(2, b"z"));
        ck("fuzz: pipe stream lives", a.see(b"z", 5.0), "no");
    }
    call(69, Enc::new().s(1, &p.id).u(2, 1));
    note("fuzz of streams", (done, ended));
    let mut a = Att::open(&s.id, false, Enc::new());
    until(1.0, || {
        if !a.ok() {
            a = Att::open(&s.id, false, Enc::new());
        }
        a.ok()
    });
    ck("fuzz: attach after it", a.ok(), &a.first);
    drop(a);
    ck("fuzz: no descriptors", until(3.0, || fds() <= f0 + 1), (f0, fds()));
    ck("fuzz: no memory growth", rss() < m0 + 12000, (m0, rss()));
    call(64, Enc::new().s(1, &s.id).u(2, 1));
}
fn connections() {
    // raw bytes, no framing, closed at any place
    let mut r = Rng(4242);
    let n = count("FUZZ", 70_000) / 4;
    let (f0, m0) = (fds(), rss());
    for i in 0..n {
        let mut s = std::os::unix::net::UnixStream::connect(socket()).unwrap();
        let b: Vec<u8> = if i % 3 == 0 {
            let x = request(1, 40, "c", None);
            x[..r.below(x.len())].to_vec()
        } else {
            let k = r.below(300);
            let mut v: Vec<u8> = (0..k).map(|_| r.n() as u8).collect();
            if i % 3 == 1 && k > 4 {
                v[0] = 0;
                v[1] = 0;
                v[2] = 0;
                v[3] = (r.n() % 64) as u8;
                if Msg::parse(&v[4..]).is_some() {
                    continue;
                }
            }
            v
        };
        let _ = s.write_all(&b);
        if i % 50 == 0 {
            let _ = s.shutdown(std::net::Shutdown::Write);
            s.set_read_timeout(Some(std::time::Duration::from_secs(5))).unwrap();
            let mut v = vec![];
            let e = s.read_to_end(&mut v);
            ck(
                "fuzz: closed after its end",
                e.is_ok() || e.as_ref().unwrap_err().kind() == std::io::ErrorKind::ConnectionReset,
                e,
            );
        }
    }
    ck("fuzz: no descriptors", until(5.0, || fds() <= f0 + 1), (f0, fds()));
    let m = call(42, Enc::new()).m(42);
    ck("fuzz: connections counted back", until(3.0, || call(42, Enc::new()).m(42).u(4) <= m.u(4)), m.u(4));
    note("raw connections", (n, m.u(4)));
    ck("fuzz: no memory growth", rss() < m0 + 12000, (m0, rss()));
    // a slow sender and idle connections do not disturb
    let idle: Vec<Conn> = (0..200).map(|_| Conn::new()).collect();
    ck("with 200 idle connections", code(&call(40, Enc::new())) == 0, "no");
    drop(idle);
    // a client that asks and never reads
    let mut c = Conn::new();
    c.s.set_write_timeout(Some(std::time::Duration::from_millis(300))).unwrap();
    let q: Vec<u8> = (0..2000).flat_map(|i| request(i, 42, "c", None)).collect();
    let mut asked = 0;
    for _ in 0..300 {
        if c.try_send(&q).is_err() {
            break;
        }
        asked += 2000;
    }
    let m1 = rss();
    note("asked without reading", (asked, m1));
    ck("others answered", code(&call(40, Enc::new())) == 0, "no");
    ck("bounded", m1 < m0 + 30000, (m0, m1));
}

fn attaches() {
    // mutated attach requests, each on a connection of its own: answered, then closed or a stream; the session stays usable
    let s = pty(&["/bin/cat"]);
    let p = pipe(&["/bin/cat"]);
    let f0 = fds();
    let n = count("FUZZ", 70_000) / 10;
    let mut r = Rng(31337);
    let (mut ok, mut refused, mut m0) = (0, 0, 0);
    let cap = |p: u64| Enc::new().u(1, p).u(2, 1).u(3, 2).s(4, "TERM").s(5, "risk");
    let seeds: Vec<Vec<u8>> = vec![
        attach_request(
            &s.id,
            false,
            Enc::new()
                .u(2, 24)
                .u(3, 80)
                .u(4, 1)
                .s(5, "xterm")
                .u(6, 1)
                .m(7, Enc::new().m(1, cap(1)).m(1, cap(2)).u(2, 2)),
        )[4..]
            .to_vec(),
        attach_request(&p.id, true, Enc::new().u(2, 1).u(3, 1))[4..].to_vec(),
        attach_request(
            &s.id,
            false,
            Enc::new()
                .u(4, 1)
                .m(1000, Enc::new().u(2, 0).s(4, "share").u(5, 1).s(6, "me").s(7, "raw").b(8, b"0123456789abcdef")),
        )[4..]
            .to_vec(),
        attach_request(&p.id, true, Enc::new().u(2, 2).m(1000, Enc::new().u(3, 100).s(4, "view")))[4..].to_vec(),
    ];
    for i in 0..n {
        let mut f = seeds[r.below(4)].clone();
        if i % 3 != 0 {
            f = mutate(&mut r, &f);
        }
        if let Some(m) = Msg::parse(&f) {
            if ![61u32, 66].contains(&(m.u(2) as u32)) {
                continue;
            }
        }
        let mut c = Conn::new();
        c.send(&framed(&f));
        match c.recv(10.0) {
            Got::Frame(x) => {
                let m = Msg::parse(&x).unwrap();
                if m.u(2) == 0 {
                    ok += 1;
                } else {
                    refused += 1;
                    if m.u(2) == 5 {
                        ck("fuzz: attach INTERNAL", false, (m.s(3), f));
                    }
                }
            }
            o => {
                ck("fuzz: attach answered", false, (format!("{o:?}"), f));
            }
        }
        if i == n / 3 {
            m0 = rss();
        }
    }
    note("fuzz of attaches: taken, refused", (ok, refused));
    ck(
        "fuzz: nobody is left attached",
        until(3.0, || {
            info(&s.id, false).unwrap().u(7) == 0
                && info(&p.id, true).unwrap().u(7) == 0
                && info(&p.id, true).unwrap().u(8) == 0
        }),
        "somebody",
    );
    ck("fuzz: no descriptors", until(3.0, || fds() <= f0 + 1), (f0, fds()));
    ck("fuzz: no memory growth", rss() < m0 + 6000, (m0, rss()));
    let mut a = Att::open(&s.id, false, Enc::new());
    a.input(b"well\n");
    ck("fuzz: attach works", a.see(b"well\r\n", 3.0), &a.first);
    call(64, Enc::new().s(1, &s.id).u(2, 1));
    call(69, Enc::new().s(1, &p.id).u(2, 1));
}
