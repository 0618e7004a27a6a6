//! Sections 3.6 and 3.8: how sessions end, and the defects G1 to G10.
use crate::{ck, eq, net::*, note, pb::*};
use std::time::Instant;
pub const ALL: &[(&str, fn())] = &[
    ("terminate_pty", terminate_pty),
    ("attached", attached),
    ("trees", trees),
    ("background", background),
    ("closed_terminal", closed_terminal),
    ("bulk", bulk),
    ("purge", purge),
];
fn term(id: &str, pipe: bool, grace: u64) -> u64 {
    let t = Instant::now();
    let r = call(if pipe { 69 } else { 64 }, Enc::new().s(1, id).u(2, grace));
    ck("3.6 terminate within 200 ms", t.elapsed().as_millis() < 200, t.elapsed());
    r.u(2)
}
fn outcome(id: &str) -> (u64, i64, f64) {
    let b = backlog(id, 1);
    (b.u(7), b.i(5), b.d(6))
}
const STUBBORN: &[&str] = &["/bin/sh", "-c", "trap '' TERM; echo up; while :; do sleep 0.1; done"];
fn up(s: &Spawned) {
    ck("up", until(4.0, || has(&backlog(&s.id, 1).b(1), b"up")), "no");
}
fn terminate_pty() {
    for p in [false, true] {
        let mk = |a: &[&str]| if p { pipe(a) } else { pty(a) };
        let s = mk(&["/bin/sleep", "60"]);
        eq!("ok", term(&s.id, p, 2000), 0);
        ck("exits", until(3.0, || exited(&s.id)), "no");
        eq!("3.6 soft", (outcome(&s.id).0, outcome(&s.id).1), (2, -15));
        eq!("3.6 terminate of an exited one", term(&s.id, p, 0), 0);
        nap(100);
        eq!("outcome unchanged", outcome(&s.id).0, 2);
        let s = mk(STUBBORN);
        up(&s);
        let t = Instant::now();
        term(&s.id, p, 300);
        ck("exits", until(4.0, || exited(&s.id)), "no");
        let d = t.elapsed().as_secs_f64();
        ck("3.6 hard after grace", (0.28..1.5).contains(&d), d);
        eq!("3.6 hard", (outcome(&s.id).0, outcome(&s.id).1), (3, -9));
        let s = mk(STUBBORN);
        up(&s);
        let t = Instant::now();
        term(&s.id, p, 0);
        nap(1500);
        ck("6.7 grace 0 is 2000 ms", !exited(&s.id), "too soon");
        eq!("0 while live", outcome(&s.id).0, 0);
        ck("exits", until(3.0, || exited(&s.id)), "no");
        let d = t.elapsed().as_secs_f64();
        ck("6.7 2000 ms", (1.9..3.5).contains(&d), d);
        eq!("hard", outcome(&s.id).0, 3);
        let s = mk(&["/bin/sh", "-c", "trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done"]);
        up(&s);
        term(&s.id, p, 1000);
        until(3.0, || exited(&s.id));
        eq!("3.6 soft with a code", (outcome(&s.id).0, outcome(&s.id).1), (2, 9));
        let s = mk(&["/bin/sh", "-c", "exit 0"]);
        until(3.0, || exited(&s.id));
        eq!("natural", outcome(&s.id).0, 1);
        // a second terminate restarts the clock
        let s = mk(STUBBORN);
        up(&s);
        let t = Instant::now();
        term(&s.id, p, 700);
        nap(400);
        term(&s.id, p, 700);
        until(4.0, || exited(&s.id));
        let d = t.elapsed().as_secs_f64();
        note("second terminate", d);
        let s = mk(STUBBORN);
        up(&s);
        let t = Instant::now();
        term(&s.id, p, 30_000);
        nap(100);
        term(&s.id, p, 200);
        ck("second terminate with a shorter grace", until(4.0, || exited(&s.id)), "no");
        note("shorter", t.elapsed());
        let s = mk(STUBBORN);
        up(&s);
        term(&s.id, p, u32::MAX as u64);
        nap(50);
        term(&s.id, p, 1);
        ck("largest grace", until(4.0, || exited(&s.id)), "no");
    }
}
fn attached() {
    for p in [false, true] {
        let mk = |a: &[&str]| if p { pipe(a) } else { pty(a) };
        for grace in [0u64, 300] {
            let s = mk(&["/bin/sh", "-c", "trap 'echo bye; exit 6' TERM; echo up; while :; do sleep 0.05; done"]);
            up(&s);
            let mut a = Att::open(&s.id, p, if p { Enc::new().u(2, 1) } else { Enc::new() });
            term(&s.id, p, grace);
            let e = a.finish(5.0);
            eq!("G7 rest of the output, then the code", (e, has(&a.got, b"bye")), (End::Exit(6), true));
        }
        let s = mk(STUBBORN);
        up(&s);
        let mut a = Att::open(&s.id, p, if p { Enc::new().u(2, 1) } else { Enc::new() });
        term(&s.id, p, 200);
        eq!("G7 hard", a.finish(5.0), End::Exit(-9));
        // terminate right after the attach, pipelined on the same instant
        for _ in 0..20 {
            let s = mk(&["/bin/cat"]);
            let mut a = Att::open(&s.id, p, if p { Enc::new().u(2, 1) } else { Enc::new() });
            term(&s.id, p, 1);
            let e = a.finish(5.0);
            ck("terminate while attached ends with a code", matches!(e, End::Exit(_)), e);
        }
    }
}
fn trees() {
    // G8/G9: background, disowned, setsid, TERM-ignoring
    for p in [false, true] {
        for (n, script) in [
            ("background", "sleep 71 & echo $! up; wait"),
            ("nohup, leader gone", "nohup sleep 72 >/dev/null 2>&1 & echo $! up; sleep 73"),
            ("setsid", "setsid sleep 74 & sleep 0.3; echo $(pgrep -n -x -f 'sleep 74') up; sleep 75"),
            ("ignores TERM", "(trap '' TERM; sleep 76 & echo $! up; wait; sleep 77) & sleep 78"),
            ("reparented", "(sleep 79 & echo $! up) ; sleep 80"),
        ] {
            let s = if p { pipe(&["/bin/sh", "-c", script]) } else { pty(&["/bin/sh", "-c", script]) };
            up(&s);
            let t = String::from_utf8_lossy(&backlog(&s.id, 1).b(1)).into_owned();
            let pid: u32 = match t.split_whitespace().find_map(|x| x.parse().ok()) {
                Some(v) => v,
                None => {
                    ck("pid printed", false, t);
                    continue;
                }
            };
            term(&s.id, p, 300);
            ck(&format!("G8/G9 {n} pipe={p}: exit recorded"), until(5.0, || exited(&s.id)), "no");
            ck(&format!("G8/G9 {n} pipe={p}: nobody left"), until(3.0, || !alive(pid)), pid);
        }
    }
    let s = pty(&["/bin/bash", "--norc", "-i"]);
    let mut a = Att::open(&s.id, false, Enc::new());
    a.input(b"sleep 81 & sleep 82 & disown; sleep 83\n");
    nap(500);
    term(&s.id, false, 400);
    let e = a.finish(6.0);
    ck("G8 a shell with jobs", matches!(e, End::Exit(_)), e);
    note("interactive shell outcome", outcome(&s.id));
    for n in ["81", "82", "83"] {
        let o = std::process::Command::new("pgrep").args(["-x", "-f", &format!("sleep {n}")]).output().unwrap();
        ck("G8 no job left", o.stdout.is_empty(), String::from_utf8_lossy(&o.stdout));
    }
}
fn background() {
    // G1
    let s = pty(&["/bin/sh", "-c", "trap '' HUP; sleep 8 & echo up; exit 5"]);
    let t = Instant::now();
    ck("G1 exit noticed although a process holds the terminal", until(4.0, || exited(&s.id)), "no");
    note("G1 after", t.elapsed());
    eq!("G1 code", outcome(&s.id).1, 5);
    eq!("G1 terminate OK", term(&s.id, false, 1), 0);
    let s = pty(&["/bin/sh", "-c", "trap '' HUP; read x; (sleep 1; echo late; sleep 5) & echo up; exit 5"]);
    let mut a = Att::open(&s.id, false, Enc::new());
    a.input(b"\n");
    let t = Instant::now();
    let e = a.finish(8.0);
    note("G1 attached end", (&e, t.elapsed(), String::from_utf8_lossy(&a.got).into_owned()));
    eq!("G1 attached", e, End::Exit(5));
}
fn closed_terminal() {
    let s = pty(&["/bin/sh", "-c", "read x; exec 0<&- 1>&- 2>&-; sleep 7; exit 8"]);
    let mut a = Att::open(&s.id, false, Enc::new());
    a.input(b"\n");
    let e = a.finish(12.0);
    eq!("G2 terminal closed, exit noticed", e, End::Exit(8));
    eq!("G2 recorded", outcome(&s.id).1, 8);
}
fn bulk() {
    let b = |o: &str, old: u64, g: u64| {
        let t = Instant::now();
        let r = call(73, Enc::new().u(1, old).s(2, o).u(3, g));
        ck("bulk fast", t.elapsed().as_millis() < 500, t.elapsed());
        (r.u(2), r.m(73).u(1), r.m(73).u(2))
    };
    let mk = || {
        let a = pty_with(STUBBORN, Enc::new().s(7, "bulk:1"));
        let c = pipe_with(STUBBORN, Enc::new().s(5, "bulk:1"));
        let d = pty_with(STUBBORN, Enc::new().s(7, "bulk:12"));
        for s in [&a, &c, &d] {
            up(s);
        }
        (a, c, d)
    };
    let (a, c, d) = mk();
    eq!("3.8 nobody older", b("bulk:1", 3600, 1), (0, 0, 0));
    eq!("3.8 age strictly greater, huge", b("bulk:1", u64::MAX, 1), (0, 0, 0));
    eq!("prefix is no match", b("bulk:", 0, 1), (0, 0, 0));
    let t = Instant::now();
    eq!("3.8 counts", b("bulk:1", 0, 0), (0, 1, 1));
    ck("6.7 grace 0 is 1 ms", until(1.5, || exited(&a.id) && exited(&c.id)), t.elapsed());
    eq!("hard", (outcome(&a.id).0, outcome(&c.id).0), (3, 3));
    ck("others live", !exited(&d.id), "dead");
    eq!("3.8 exited do not count", b("bulk:1", 0, 0), (0, 0, 0));
    nap(1100);
    eq!("older than 1", b("bulk:12", 1, 1), (0, 1, 0));
    until(2.0, || exited(&d.id));
    let s = pty_with(
        &["/bin/sh", "-c", "trap 'echo bye; exit 6' TERM; echo up; while :; do sleep 0.05; done"],
        Enc::new().s(7, "bulk:2"),
    );
    up(&s);
    let mut a = Att::open(&s.id, false, Enc::new());
    eq!("bulk attached", b("bulk:2", 0, 2000), (0, 1, 0));
    eq!("3.6 bulk: client sees the normal end", (a.finish(5.0), has(&a.got, b"bye")), (End::Exit(6), true));
    let r = call(73, Enc::new().s(2, "nobody-bulk"));
    eq!("6.2 empty bulk answer present", (r.nums(), r.b(73).len()), (vec![1, 73], 0));
}
fn purge() {
    let s = pty_with(&["/bin/sh", "-c", "echo kept"], Enc::new().s(7, "pg"));
    until(3.0, || exited(&s.id));
    eq!("works until purge", backlog(&s.id, 1).b(1), b"kept\r\n".to_vec());
    let m = call(72, Enc::new().s(1, "pg")).m(72);
    eq!("purged", (m.u(1), m.u(2)), (1, 0));
    for (ty, e) in [(71u64, Enc::new()), (64, Enc::new()), (62, Enc::new()), (74, Enc::new())] {
        eq!("gone", call(ty, Enc::new().s(1, &s.id).raw(&e.0)).u(2), 4);
    }
    ck("not listed", info(&s.id, false).is_none(), "is");
    // purge at the instant of the exit, with a client attached
    for i in 0..20 {
        let s = pty_with(&["/bin/sh", "-c", "read x; echo done; exit 2"], Enc::new().s(7, "pg2"));
        let mut a = Att::open(&s.id, false, Enc::new());
        a.input(b"\n");
        nap(i % 5);
        until(3.0, || {
            let m = call(72, Enc::new().s(1, "pg2")).m(72);
            m.u(1) == 1
        });
        let e = a.finish(5.0);
        eq!("purge races the last frames", (e, has(&a.got, b"done")), (End::Exit(2), true));
    }
}
