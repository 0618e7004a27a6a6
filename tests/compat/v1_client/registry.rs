//! Sections 3.9 to 3.12: the pid registry, tees, observers, services.
use crate::{ck, eq, net::*, note, pb::*};
pub const ALL: &[(&str, fn())] = &[
    ("registry", registry),
    ("spawn_daemon", spawn_daemon),
    ("kill", kill),
    ("tee", tee),
    ("observer", observer),
    ("services", services),
];
fn registry() {
    let r = call(10, Enc::new().u(1, 0).s(4, "x"));
    eq!("register pid 0", (r.u(2), r.has(10)), (3, false));
    let r = call(10, Enc::new().u(1, 5));
    eq!("register empty command", r.u(2), 3);
    let me = std::process::id() as u64;
    let r = call(
        10,
        Enc::new().u(1, me).d(2, 1.5).s(3, "subprocess").s(4, "me me").s(5, "/d").s(6, "TOOL:7").s(7, "contained"),
    );
    eq!("register", (r.u(2), r.nums()), (0, vec![1, 10]));
    let l = call(20, Enc::new()).m(20).all(1);
    let m = l.iter().find(|m| m.u(1) == me).unwrap().clone();
    eq!(
        "2.10 entry",
        (m.d(2), m.s(3), m.s(4), m.s(5), m.s(6), m.s(7)),
        (1.5, "subprocess".into(), "me me".into(), "/d".into(), "TOOL:7".into(), "contained".into())
    );
    ck("registered_at", m.d(8) > 1e9 && m.d(9) < 60.0, m.d(8));
    for (t, n) in [("TOOL", 1), ("TOO", 0), ("TOOL:7", 0), ("tool", 0)] {
        eq!("6.8 prefix", call(21, Enc::new().s(1, t)).m(21).all(1).len(), n);
    }
    let r = call(10, Enc::new().u(1, me).s(4, "again").s(6, "TOOL:8"));
    eq!(
        "one entry per pid",
        (r.u(2), call(20, Enc::new()).m(20).all(1).iter().filter(|m| m.u(1) == me).count()),
        (0, 1)
    );
    eq!("unregister", call(11, Enc::new().u(1, me)).nums(), vec![1, 11]);
    eq!("unknown", call(11, Enc::new().u(1, me)).u(2), 4);
    let t = call(22, Enc::new().u(1, me)).m(22).s(1);
    ck("2.10 tree", t.contains(&format!("(pid={me})")), &t);
    eq!("2.10 tree of nobody", call(22, Enc::new().u(1, 4194303)).m(22).s(1), "Process 4194303 not found");
    let r = call(30, Enc::new().u(1, 1));
    eq!("zombies", (r.u(2), r.has(30)), (0, true));
}
fn spawn_daemon() {
    for c in ["", "   "] {
        eq!("blank", call(12, Enc::new().s(1, c)).u(2), 3);
    }
    let r = call(12, Enc::new().s(1, "sleep 5").s(2, "/nonexistent"));
    eq!("missing directory", r.u(2), 5);
    eq!("policy", call(12, Enc::new().s(1, "true").u(6, 9)).u(2), 3);
    let f = scratch("sd.txt");
    let f = f.as_str();
    let _ = std::fs::remove_file(f);
    let r = Conn::new().call_as(
        12,
        "bare",
        Some(Enc::new().s(1, &format!("  env > {f}; ls -l /proc/self/fd >> {f}; sleep 1.5  "))),
    );
    let m = r.m(12);
    eq!("3.11 spawn_daemon", (r.u(2), m.s(4), m.s(5), m.s(6)), (0, "".into(), "bare".into(), "detached".into()));
    ck("trimmed", m.s(3).starts_with("env >") && m.s(3).ends_with("1.5"), m.s(3));
    let pid = m.u(1);
    let e = call(20, Enc::new()).m(20).all(1).into_iter().find(|x| x.u(1) == pid);
    ck(
        "tracked",
        e.as_ref().map(|e| (e.s(3), e.s(7))) == Some(("subprocess".into(), "detached".into())),
        e.map(|e| e.s(3)),
    );
    nap(400);
    let t = std::fs::read_to_string(f).unwrap_or_default();
    ck("is daemon", t.contains("RUNNING_PROCESS_IS_DAEMON=1") && t.contains("RUNNING_PROCESS_ORIGINATOR=bare"), &t);
    ck("no descriptors", t.matches(" -> ").count() <= 5 && t.contains("/dev/null"), &t);
    ck(
        "removed after its exit",
        until(4.0, || !call(20, Enc::new()).m(20).all(1).iter().any(|x| x.u(1) == pid)),
        "still",
    );
}
fn kill() {
    eq!(
        "kill of nobody",
        {
            let r = call(31, Enc::new().u(1, 4194303));
            (r.u(2), r.m(31).u(1))
        },
        (0, 0)
    );
    let s = pty(&["/bin/sh", "-c", "sleep 91 & sleep 92 & echo up; wait"]);
    until(3.0, || has(&backlog(&s.id, 0).b(1), b"up"));
    let r = call(31, Enc::new().u(1, s.pid as u64).d(2, 2.0));
    eq!("3.11 kill tree", (r.u(2), r.m(31).u(1)), (0, 3));
    ck("session ends", until(3.0, || exited(&s.id)), "no");
    eq!("natural", backlog(&s.id, 0).u(7), 1);
}
fn tee() {
    let p = pipe(&["/bin/cat"]);
    let f = scratch("tee.txt");
    let f = f.as_str();
    let _ = std::fs::remove_file(f);
    let base = |s: &str, kind: u64, stream: u64, sink: u64, path: &str, mode: u64, bp: u64| {
        Enc::new().s(1, s).u(2, kind).u(3, stream).u(4, sink).s(5, path).u(6, mode).u(9, bp)
    };
    for (n, e, want) in [
        ("empty id", base("", 9, 9, 9, "", 9, 9), 3u64),
        ("sink", base("x", 2, 2, 0, f, 0, 0), 3),
        ("stream", base("x", 2, 0, 1, f, 0, 0), 3),
        ("path", base("x", 2, 2, 1, "", 0, 0), 3),
        ("mode", base("x", 2, 2, 1, f, 2, 0), 3),
        ("backpressure", base("x", 2, 2, 1, f, 0, 2), 3),
        ("kind", base("x", 0, 2, 1, f, 0, 0), 3),
        ("session", base("x", 2, 2, 1, f, 0, 0), 4),
        ("stream fits kind", base(&p.id, 2, 1, 1, f, 0, 0), 3),
        ("open", base(&p.id, 2, 2, 1, "/nonexistent/x", 0, 0), 5),
    ] {
        let r = call(75, e);
        if r.u(2) == 9 {
            note("tee unimplemented", 75);
            return;
        }
        eq!(&format!("3.9 {n}"), (r.u(2), r.has(75)), (want, false));
    }
    let r = call(75, base(&p.id, 2, 2, 1, f, 0, 0));
    eq!("register", (r.u(2), r.s(3), r.m(75).u(1)), (0, "OK".into(), 1));
    call(70, Enc::new().s(1, &p.id).b(2, b"teed\n"));
    ck("3.9 written", until(3.0, || std::fs::read(f).unwrap_or_default() == b"teed\n"), "no");
    let r = call(77, Enc::new().s(1, &p.id).u(2, 2).u(3, 1));
    eq!("status", (r.u(2), r.m(77).u(1), r.m(77).u(2), r.m(77).u(3)), (0, 2, 0, 0));
    eq!("unknown handle", call(77, Enc::new().s(1, &p.id).u(2, 2).u(3, 7)).u(2), 4);
    eq!("unregister", call(76, Enc::new().s(1, &p.id).u(2, 2).u(3, 1)).nums(), vec![1, 3, 76]);
    eq!("twice", call(76, Enc::new().s(1, &p.id).u(2, 2).u(3, 1)).u(2), 4);
    eq!("wrong kind", call(77, Enc::new().s(1, &p.id).u(2, 1).u(3, 1)).u(2), 4);
    call(69, Enc::new().s(1, &p.id).u(2, 1));
}
fn observer() {
    let s = pty(&["/bin/cat"]);
    let r = call(78, Enc::new().s(1, &s.id).u(2, 1));
    note("observer", (r.u(2), r.s(3)));
    call(64, Enc::new().s(1, &s.id).u(2, 1));
}
fn services() {
    let mut c = Conn::new();
    for t in 50..=59 {
        let r = c.call(t, Enc::new());
        ck("a service call is answered", [0, 3, 4, 9].contains(&r.u(2)), (t, r.u(2), r.s(3)));
        if r.u(2) == 9 {
            eq!("UNIMPLEMENTED carries no payload", r.has(t as u32), false);
        }
    }
}
