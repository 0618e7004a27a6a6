//! Sections 2.5 and 3.7: pipe sessions.
use crate::{ck, eq, net::*, note, pb::*};
pub const ALL: &[(&str, fn())] = &[
    ("spawn", spawn),
    ("exact", exact),
    ("streams", streams),
    ("merge", merge),
    ("stdin", stdin),
    ("ends", ends),
    ("detach_steal", detach_steal),
    ("info_fields", info_fields),
    ("ring", ring),
];
fn out(id: &str, k: u64) -> Vec<u8> {
    backlog(id, k).b(1)
}
fn w(id: &str, d: &[u8], close: bool) -> Msg {
    call(70, Enc::new().s(1, id).b(2, d).u(3, close as u64))
}
fn spawn() {
    let r = call(65, Enc::new());
    eq!("3.7 empty argv", (r.u(2), r.s(3), r.has(65)), (5, "argv must not be empty".into(), false));
    for (a, c) in
        [("/nonexistent/x", ""), ("nope-nope", ""), ("/tmp", ""), ("/etc/passwd", ""), ("/bin/true", "/nonexistent")]
    {
        let r = call(65, Enc::new().s(1, a).s(2, c));
        ck(
            &format!("3.7 spawn error {a} {c}"),
            r.u(2) == 5 && r.s(3).starts_with("failed to spawn pipe session: ") && !r.has(65),
            (r.u(2), r.s(3)),
        );
    }
    let r = call(65, Enc::new().s(1, "/bin/true").u(7, 4));
    eq!("3.3 policy", (r.u(2), r.s(3)), (3, "unknown environment policy".into()));
    let r = call(65, Enc::new().ss(1, &["/bin/cat"]));
    eq!("2.5 spawn fields", (r.nums(), r.m(65).nums()), (vec![1, 65], vec![1, 2, 3]));
    let id = r.m(65).s(1);
    call(69, Enc::new().s(1, &id).u(2, 1));
}
fn exact() {
    let p = pipe(&["/usr/bin/printf", "a\\n\\nb\\r\\nc\\000\\377no-newline"]);
    until(4.0, || exited(&p.id));
    eq!("G21 byte exact", out(&p.id, 1), b"a\n\nb\r\nc\0\xffno-newline".to_vec());
    let p = pipe(&["/bin/sh", "-c", "printf 'prompt> '; cat"]);
    ck("G21 prompt visible at once", until(3.0, || out(&p.id, 1) == b"prompt> "), out(&p.id, 1));
    let mut a = Att::open(&p.id, true, Enc::new().u(2, 1));
    eq!("attach backlog", a.backlog(), b"prompt> ".to_vec());
    w(&p.id, b"half", false);
    ck("no newline needed", a.see(b"half", 3.0), &a.got);
    w(&p.id, b"", true);
    let e = a.finish(5.0);
    note("end of cat", &e);
    ck("end", matches!(e, End::Eof | End::Exit(0)), e);
}
fn streams() {
    let p = pipe(&["/bin/sh", "-c", "echo o; echo e >&2; while read x; do echo out-$x; echo err-$x >&2; done"]);
    until(3.0, || out(&p.id, 2) == b"e\n" && out(&p.id, 1) == b"o\n");
    for (k, want) in [(0u64, &b"o\n"[..]), (1, b"o\n"), (2, b"e\n"), (3, b"o\n"), (99, b"o\n")] {
        eq!("3.8 stream choice", out(&p.id, k), want.to_vec());
    }
    eq!("kind", backlog(&p.id, 1).s(3), "pipe");
    let mut a = Att::open(&p.id, true, Enc::new().u(2, 1));
    let mut b = Att::open(&p.id, true, Enc::new().u(2, 2));
    eq!("3.1 both attach", (a.ok(), b.ok(), a.backlog(), b.backlog()), (true, true, b"o\n".to_vec(), b"e\n".to_vec()));
    let i = info(&p.id, true).unwrap();
    eq!("2.5 attached flags", (i.u(7), i.u(8)), (1, 1));
    let r = Att::open(&p.id, true, Enc::new().u(2, 2));
    eq!("per stream ALREADY_ATTACHED", (r.first.u(2), r.first.has(66), r.first.b(66).len()), (10, true, 0));
    let r = w(&p.id, b"x\n", false);
    eq!("3.7 bytes_written", (r.u(2), r.m(70).u(1)), (0, 2));
    ck("out", a.see(b"out-x\n", 3.0) && a.got == b"out-x\n", &a.got);
    ck("err", b.see(b"err-x\n", 3.0) && b.got == b"err-x\n", &b.got);
    // 1.3.5 client frames are thrown away
    for f in [&[0x20u8, 1][..], &[], &[0xff, 0xff], &[0x0a, 2, b'z', b'\n'], &[0x18, 1]] {
        a.c.send(&framed(f));
    }
    a.got.clear();
    w(&p.id, b"y\n", false);
    ck("1.3.5 frames ignored", a.see(b"out-y\n", 3.0) && a.got == b"out-y\n", String::from_utf8_lossy(&a.got));
    drop(a);
    ck("detached by a disconnect", until(3.0, || info(&p.id, true).unwrap().u(7) == 0), "no");
    eq!("other stays", info(&p.id, true).unwrap().u(8), 1);
    let a = Att::open(&p.id, true, Enc::new().u(2, 1));
    eq!("backlog since the previous attach", a.backlog(), b"out-x\nout-y\n".to_vec());
    let mut a = a;
    w(&p.id, b"", true);
    let (x, y) = (a.finish(5.0), b.finish(5.0));
    note("ends of both streams", (&x, &y));
    ck("ends", matches!(x, End::Eof | End::Exit(0)) && matches!(y, End::Eof | End::Exit(0)), (x, y));
    until(3.0, || exited(&p.id));
    let r = Att::open(&p.id, true, Enc::new().u(2, 1));
    eq!("3.7 exited NOT_FOUND", (r.first.u(2), r.first.has(66)), (4, true));
    let i = info(&p.id, true).unwrap();
    eq!("exited", (i.u(9), i.i(10), i.u(13)), (1, 0, 1));
}
fn merge() {
    let p = pipe_with(
        &["/bin/sh", "-c", "for i in 1 2 3 4 5 6 7 8 9; do echo o$i; echo e$i >&2; done; read x"],
        Enc::new().u(6, 1),
    );
    until(3.0, || has(&out(&p.id, 1), b"e9"));
    let want: String = (1..10).map(|i| format!("o{i}\ne{i}\n")).collect();
    eq!("G24 order of a merged stream", String::from_utf8(out(&p.id, 1)).unwrap(), want);
    let r = Att::open(&p.id, true, Enc::new().u(2, 2));
    eq!("3.7 merged stderr", (r.first.u(2), r.first.has(66)), (3, true));
    let r = call(71, Enc::new().s(1, &p.id).u(2, 2));
    note("backlog of merged stderr", (r.u(2), r.m(71).b(1).len()));
    eq!("merged stderr backlog is empty, OK", (r.u(2), r.m(71).b(1).len()), (0, 0));
    eq!("flag", info(&p.id, true).unwrap().u(12), 1);
    let r = call(67, Enc::new().s(1, &p.id).u(2, 2));
    note("detach of merged stderr", (r.u(2), r.s(3)));
    w(&p.id, b"", true);
    until(3.0, || exited(&p.id));
    let r = Att::open(&p.id, true, Enc::new().u(2, 2));
    eq!("3.7 order: merged before exited", r.first.u(2), 3);
}
fn stdin() {
    let p = pipe(&["/bin/cat"]);
    eq!(
        "empty data",
        {
            let r = w(&p.id, b"", false);
            (r.u(2), r.nums(), r.b(70).len())
        },
        (0, vec![1, 70], 0)
    );
    let all: Vec<u8> = (0..=255).collect();
    w(&p.id, &all, false);
    ck("verbatim", until(3.0, || out(&p.id, 1) == all), out(&p.id, 1).len());
    let r = w(&p.id, b"tail", true);
    eq!("write and close", (r.u(2), r.m(70).u(1)), (0, 4));
    until(3.0, || exited(&p.id));
    ck("all there", out(&p.id, 1).ends_with(b"tail"), "no");
    let r = w(&p.id, b"x", false);
    note("write to an exited one", (r.u(2), r.s(3)));
    let p = pipe(&["/bin/sleep", "30"]);
    eq!("close", w(&p.id, b"", true).u(2), 0);
    let r = w(&p.id, b"x", false);
    note("write after close", (r.u(2), r.s(3)));
    ck("G23 write after close", r.u(2) == 3 && !r.has(70), (r.u(2), r.s(3)));
    let r = w(&p.id, b"", true);
    note("close again", (r.u(2), r.s(3)));
    call(69, Enc::new().s(1, &p.id).u(2, 1));
    let p = pipe(&["/bin/sh", "-c", "exec <&-; sleep 30"]);
    nap(300);
    let r = w(&p.id, b"x", true);
    eq!("3.7 broken pipe INTERNAL", r.u(2), 5);
    note("broken pipe", r.s(3));
    call(69, Enc::new().s(1, &p.id).u(2, 1));
    // large writes, whole
    let p = pipe(&["/bin/sh", "-c", "sleep 0.3; wc -c"]);
    let r = w(&p.id, &vec![b'x'; 4_000_000], true);
    eq!("3.7 4 MB at once", (r.u(2), r.m(70).u(1)), (0, 4_000_000));
    until(5.0, || exited(&p.id));
    eq!("arrived", String::from_utf8(out(&p.id, 1)).unwrap().trim().to_string(), "4000000");
    // a blocked write holds up nobody; terminate ends it
    let p = pipe(&["/bin/sleep", "60"]);
    let mut c = Conn::new();
    c.send(&request(1, 70, "c", Some(Enc::new().s(1, &p.id).b(2, &vec![b'x'; 1_000_000]))));
    nap(200);
    let t = std::time::Instant::now();
    eq!("ping meanwhile", code(&call(40, Enc::new())), 0);
    ck("G19 others go on", t.elapsed().as_millis() < 300, t.elapsed());
    call(69, Enc::new().s(1, &p.id).u(2, 1));
    let r = c.reply();
    eq!("blocked write fails when the child dies", r.u(2), 5);
    note("text", r.s(3));
    // writes of two connections in order on each
    let p = pipe(&["/bin/cat"]);
    let mut b = vec![];
    for i in 0..200 {
        b.extend(request(i, 70, "c", Some(Enc::new().s(1, &p.id).b(2, format!("{i}\n").as_bytes()))));
    }
    let mut c = Conn::new();
    c.send(&b);
    for i in 0..200 {
        eq!("order", c.reply().u(1), i);
    }
    let want: String = (0..200).map(|i| format!("{i}\n")).collect();
    ck("pipelined writes in order", until(3.0, || out(&p.id, 1) == want.as_bytes()), out(&p.id, 1).len());
    w(&p.id, b"", true);
}
fn ends() {
    // G4: all output, then the terminal frame; the code is there
    let mut kinds = std::collections::BTreeMap::new();
    for i in 0..30 {
        let n = 200_000;
        let p = pipe(&["/bin/sh", "-c", &format!("read x; head -c {n} /dev/zero | tr '\\0' x; printf END; exit 7")]);
        let mut a = Att::open(&p.id, true, Enc::new().u(2, 1));
        w(&p.id, b"\n", i % 2 == 0);
        let e = a.finish(8.0);
        ck(
            "G4 all the output first",
            a.got.len() as u64 + a.missed == n + 3 && a.got.ends_with(b"END"),
            (a.got.len(), a.missed),
        );
        *kinds.entry(format!("{e:?}")).or_insert(0) += 1;
        ck("G4 end", matches!(e, End::Exit(7) | End::Eof), e);
    }
    note("G4 ends", kinds);
    // stream ended before the exit
    let p = pipe(&["/bin/sh", "-c", "exec >&- 2>&-; read x; exit 4"]);
    let mut a = Att::open(&p.id, true, Enc::new().u(2, 1));
    let e = a.step(0.5);
    note("stdout closed by the child, still running", &e);
    if let Some(End::Eof) = e {
        let mut b = Att::open(&p.id, true, Enc::new().u(2, 1));
        ck("3.7 attach after the stream ended: accepted", b.ok(), &b.first);
        let e = b.step(0.4);
        eq!("3.7 and nothing until the exit", e, Some(End::Timeout));
        w(&p.id, b"", true);
        eq!("3.7 then exit_code", b.finish(5.0), End::Exit(4));
    } else {
        w(&p.id, b"", true);
        eq!("exit code then", a.finish(5.0), End::Exit(4));
    }
    // signal
    let p = pipe(&["/bin/sh", "-c", "read x; kill -15 $$"]);
    let mut a = Att::open(&p.id, true, Enc::new().u(2, 2));
    w(&p.id, b"\n", false);
    let e = a.finish(5.0);
    note("signal death", &e);
    until(3.0, || exited(&p.id));
    eq!("2.5 minus the signal", (info(&p.id, true).unwrap().i(10), backlog(&p.id, 1).i(5)), (-15, -15));
    // exit is recorded although a grandchild holds the pipes, within 2 s
    let p = pipe(&["/bin/sh", "-c", "sleep 6 & echo leader; exit 3"]);
    let t = std::time::Instant::now();
    ck("3.7 exit within 2 s of drain", until(4.0, || exited(&p.id)), "no");
    note("exit with a grandchild holding the pipes after", t.elapsed());
    eq!("code", backlog(&p.id, 1).u(5), 3);
    let p = pipe(&["/bin/sh", "-c", "read x; sleep 5 & echo leader; exit 3"]);
    let mut a = Att::open(&p.id, true, Enc::new().u(2, 1));
    w(&p.id, b"\n", false);
    let t = std::time::Instant::now();
    let e = a.finish(6.0);
    note("attached end with a grandchild", (&e, t.elapsed()));
    ck("ends with the code", matches!(e, End::Exit(3)) && t.elapsed().as_secs_f64() < 4.0, e);
}
fn detach_steal() {
    let p = pipe(&["/bin/cat"]);
    let d = |k: u64| call(67, Enc::new().s(1, &p.id).u(2, k));
    eq!("3.7 detach with nobody", (d(1).u(2), d(2).u(2)), (0, 0));
    for k in [0u64, 3, 9] {
        eq!("3.7 detach bad stream", d(k).u(2), 3);
    }
    let mut a = Att::open(&p.id, true, Enc::new().u(2, 1));
    let mut b = Att::open(&p.id, true, Enc::new().u(2, 2));
    eq!(
        "detach",
        {
            let r = d(1);
            (r.u(2), r.nums(), r.b(67).len())
        },
        (0, vec![1, 67], 0)
    );
    eq!("3.7 detached: eof", a.finish(3.0), End::Eof);
    eq!("eof bytes", a.c.raw_last.clone(), vec![0, 0, 0, 2, 0x10, 1]);
    eq!("stderr stays", b.step(0.2), Some(End::Timeout));
    let mut cur = Att::open(&p.id, true, Enc::new().u(2, 1));
    for i in 0..30 {
        let mut th = Att::open(&p.id, true, Enc::new().u(2, 1).u(3, 1));
        let e = cur.finish(3.0);
        ck("victim", matches!(e, End::Stolen(_)), e);
        w(&p.id, format!("s{i}\n").as_bytes(), false);
        ck("G14 thief lives", th.see(format!("s{i}\n").as_bytes(), 3.0), &th.got);
        cur = th;
    }
    call(69, Enc::new().s(1, &p.id).u(2, 1));
    let e = cur.finish(5.0);
    note("pipe terminate while attached", &e);
    ck("G7 code", matches!(e, End::Exit(_) | End::Eof), e);
    let e = b.finish(5.0);
    note("stderr too", &e);
    until(3.0, || exited(&p.id));
    eq!("after exit", d(1).u(2), 0);
    eq!("after exit bad stream", d(9).u(2), 3);
}
fn info_fields() {
    let p = pipe_with(&["/bin/sleep", "30"], Enc::new().s(2, "/tmp").s(5, "me"));
    let i = info(&p.id, true).unwrap();
    eq!(
        "2.5 info",
        (i.u(2) as u32, i.s(3), i.s(4), i.s(5), i.u(9), i.u(13), i.d(11)),
        (p.pid, "/bin/sleep 30".into(), "/tmp".into(), "me".into(), 0, 0, 0.0)
    );
    ck("not in the PTY list", info(&p.id, false).is_none(), "is");
    call(69, Enc::new().s(1, &p.id));
    ck("exits", until(3.0, || exited(&p.id)), "no");
    let i = info(&p.id, true).unwrap();
    eq!("soft", (i.u(9), i.i(10), i.u(13)), (1, -15, 2));
    ck("exited_at", i.d(11) > i.d(6), i.d(11));
    let b = backlog(&p.id, 1);
    eq!("backlog fields", (b.u(4), b.i(5), b.u(7), b.d(6)), (1, -15, 2, i.d(11)));
}
fn ring() {
    let p = pipe(&["/bin/sh", "-c", "head -c 3000000 /dev/zero; head -c 100 /dev/zero >&2; read x"]);
    ck(
        "written",
        until(10.0, || {
            let b = backlog(&p.id, 1);
            b.b(1).len() as u64 + b.u(2) == 3_000_000
        }),
        "no",
    );
    let b = backlog(&p.id, 1);
    eq!("3.1 pipe ring", (b.b(1).len(), b.u(2)), (1 << 20, 3_000_000 - (1 << 20)));
    eq!("own ring per stream", (backlog(&p.id, 2).b(1).len(), backlog(&p.id, 2).u(2)), (100, 0));
    let a = Att::open(&p.id, true, Enc::new().u(2, 1));
    eq!("attach", (a.backlog().len(), a.truncated(), a.missed_at_attach()), (1 << 20, 1, 3_000_000 - (1 << 20)));
    w(&p.id, b"", true);
}
