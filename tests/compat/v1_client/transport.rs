//! Sections 1, 5 and 6: framing, answers, bad input.
use crate::{ck, eq, net::*, note, pb::*};
use std::net::Shutdown;
pub const ALL: &[(&str, fn())] = &[
    ("golden", golden),
    ("order", order),
    ("bad_input", bad_input),
    ("undecodable", undecodable),
    ("missing", missing),
    ("types", types),
    ("sizes", sizes),
    ("eof", eof),
    ("status", status),
    ("large_response", large_response),
    ("files", files),
];
fn hex(s: &str) -> Vec<u8> {
    s.split_whitespace().map(|x| u8::from_str_radix(x, 16).unwrap()).collect()
}
fn golden() {
    let g = hex("00 00 00 0c 08 01 10 28 18 01 22 01 63 c2 02 00");
    eq!("5 ping request bytes", request(1, 40, "c", Some(Enc::new())), g);
    let mut c = Conn::new();
    c.send(&g);
    let r = c.reply();
    eq!("5 ping response fields", r.nums(), vec![1, 40]);
    eq!("5 ping response length", c.raw_last.len(), 16);
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() as i64;
    ck("3.11 ping time", (r.m(40).i(1) - now).abs() < 2000, r.m(40).i(1));
    let g = hex("00 00 00 2a 08 01 10 3d 18 01 22 16 72 75 6e 6e 69 6e 67 2d 70 72 6f 63 65 73 73 2d 63 6c 69 65 6e 74 ea 03 09 0a 01 73 10 18 18 50 30 01");
    eq!("5 attach request bytes", attach_request("s", false, Enc::new().u(2, 24).u(3, 80).u(6, 1)), g);
    let mut c = Conn::new();
    c.send(&g);
    let r = c.reply();
    eq!("5 attach of unknown fields", r.nums(), vec![1, 2, 3, 61]);
    eq!("5 attach of unknown payload empty", r.b(61), Vec::<u8>::new());
    eq!("1.3.3 refused attach closes", matches!(c.recv(3.0), Got::Eof), true);
    // A busy attach, byte for byte but the text.
    let s = pty(&["/bin/cat"]);
    let _a = Att::open(&s.id, false, Enc::new());
    let mut c = Conn::new();
    c.send(&attach_request(&s.id, false, Enc::new()));
    let r = c.reply();
    ck(
        "5 refused attach bytes",
        c.raw_last[4..8] == [0x08, 1, 0x10, 10] && c.raw_last.ends_with(&[0xea, 3, 0]),
        &c.raw_last,
    );
    eq!("5 refused attach fields", r.nums(), vec![1, 2, 3, 61]);
    call(64, Enc::new().s(1, &s.id).u(2, 1));
}
fn order() {
    let mut c = Conn::new();
    let mut b = vec![];
    let s = pty(&["/bin/sh", "-c", "echo x"]);
    until(5.0, || exited(&s.id));
    let mut want: Vec<(u64, u64)> = vec![];
    for i in 0..60u64 {
        match i % 10 {
            0 => {
                b.extend(request(i, 40, "c", None));
                want.push((i, 0));
            }
            1 => {
                b.extend(framed(&[]));
                want.push((0, 2));
            }
            2 => {
                b.extend(request(i, 71, "c", Some(Enc::new().s(1, &s.id))));
                want.push((i, 0));
            }
            3 => {
                b.extend(framed(&[0x08]));
                want.push((0, 3));
            }
            4 => {
                b.extend(request(i, 60, "c", Some(Enc::new().ss(1, &["/bin/true"]))));
                want.push((i, 0));
            }
            5 => {
                b.extend(request(i, 12345, "c", None));
                want.push((i, 2));
            }
            6 => {
                b.extend(request(i, 63, "c", None));
                want.push((i, 0));
            }
            7 => {
                b.extend(request(i, 64, "c", Some(Enc::new().s(1, "nobody"))));
                want.push((i, 4));
            }
            8 => {
                b.extend(request(i, 42, "c", Some(Enc::new())));
                want.push((i, 0));
            }
            _ => {
                b.extend(framed(&[0xff; 40]));
                want.push((0, 3));
            }
        }
    }
    c.send(&b);
    let got: Vec<(u64, u64)> = want
        .iter()
        .map(|_| {
            let r = c.reply();
            (r.u(1), r.u(2))
        })
        .collect();
    eq!("1.3.1 pipelined answers in order", got, want);
    let mut c = Conn::new();
    for byte in request(9, 40, "c", None) {
        c.send(&[byte]);
        nap(1);
    }
    eq!("1.2 a request byte by byte", c.reply().u(1), 9);
    // ids of every size, also twice the same
    for id in [0u64, 1, 1, u64::MAX, 1 << 63] {
        c.send(&request(id, 40, "", None));
        let r = c.reply();
        eq!("1.3.2 id echoed", r.u(1), id);
    }
    for v in [0u64, 2, 77, u32::MAX as u64] {
        c.send(&framed(&Enc::new().u(1, 3).u(2, 40).u(3, v).0));
        let r = c.reply();
        eq!("1.5 version ignored", (r.u(2), r.nums()), (0, vec![1, 40]));
    }
    // unknown fields, fields out of order, twice, several payloads
    let e = Enc::new()
        .m(40, Enc::new())
        .s(777, "x")
        .u(2, 20)
        .d(888, 1.0)
        .m(63, Enc::new())
        .u(2, 40)
        .u(1, 5)
        .raw(&[0xa5, 0x7d, 1, 2, 3, 4]);
    c.send(&framed(&e.0));
    let r = c.reply();
    eq!("6.2 several payloads and unknown fields", (r.u(1), r.u(2), r.nums()), (5, 0, vec![1, 40]));
}
fn bad_input() {
    let mut c = Conn::new();
    c.send(&framed(&[]));
    let r = c.reply();
    eq!("1.5 zero-length frame", (r.u(1), r.u(2), r.s(3)), (0, 2, "unspecified request type".into()));
    c.send(&request(7, 0, "c", None));
    let r = c.reply();
    eq!("1.5 type 0", (r.u(1), r.u(2), r.s(3)), (7, 2, "unspecified request type".into()));
    for n in [1u64, 9, 13, 19, 23, 32, 39, 43, 49, 81, 255, 999, 1001, 0x7fffffff] {
        c.send(&request(n, n, "c", None));
        let r = c.reply();
        eq!(
            "1.5 undefined type",
            (r.u(1), r.u(2), r.s(3), r.nums().len()),
            (n, 2, format!("unknown request type: {n}"), 3)
        );
    }
    c.send(&request(4, u64::MAX, "c", None));
    let r = c.reply();
    eq!("1.5 type -1", (r.u(1), r.u(2), r.s(3)), (4, 2, "unknown request type: -1".into()));
    eq!("connection still good", code(&c.call(40, Enc::new())), 0);
}
fn undecodable() {
    let bads: Vec<(&str, Vec<u8>)> = vec![
        ("truncated varint", vec![0x08]),
        ("truncated length", Enc::new().u(1, 1).raw(&[0x22, 5, b'a']).0),
        ("field 0", vec![0x00, 0x01]),
        ("wire type 6", vec![0x0e, 1]),
        ("wire type 7", vec![0x0f]),
        ("overlong varint", vec![0x08, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 1]),
        ("client_name not UTF-8", Enc::new().u(1, 9).u(2, 40).b(4, &[0xff, 0xfe]).0),
        ("argv not UTF-8", Enc::new().u(1, 9).u(2, 60).m(60, Enc::new().b(1, b"/bin/\xff")).0),
        ("session id not UTF-8", Enc::new().u(1, 9).u(2, 64).m(64, Enc::new().b(1, b"\xc3\x28")).0),
        (
            "env not UTF-8",
            Enc::new().u(1, 9).u(2, 60).m(60, Enc::new().s(1, "/bin/true").m(3, Enc::new().s(1, "K").b(2, b"\xff"))).0,
        ),
        ("surrogate", Enc::new().u(1, 9).u(2, 40).b(4, &[0xed, 0xa0, 0x80]).0),
        ("payload broken", Enc::new().u(1, 9).u(2, 64).b(64, &[0x0a, 200]).0),
        ("attach broken", Enc::new().u(1, 9).u(2, 61).b(61, &[0x0a, 200]).0),
        ("end group", vec![0x0c]),
        ("huge length", vec![0x22, 255, 255, 255, 255, 15]),
    ];
    let mut c = Conn::new();
    for (n, b) in bads {
        c.send(&framed(&b));
        let r = c.reply();
        ck(
            &format!("1.5 undecodable: {n}"),
            (r.u(1), r.u(2)) == (0, 3) && r.s(3).starts_with("protobuf decode error") && r.nums() == vec![2, 3],
            (r.u(1), r.u(2), r.s(3)),
        );
    }
    // the wrong wire type for a known number: an unknown field for some parsers, an error for others; never a close
    c.send(&framed(&Enc::new().s(1, "x").u(2, 40).0));
    let r = c.reply();
    note("id as a string", (r.u(1), r.u(2), r.s(3)));
    c.send(&framed(&Enc::new().u(1, 4).u(2, 64).u(64, 1).0));
    let r = c.reply();
    note("payload as a number", (r.u(1), r.u(2), r.s(3)));
    c.send(&framed(&Enc::new().u(1, 4).u(2, (1 << 32) + 40).0));
    let r = c.reply();
    note("type 2^32+40", (r.u(1), r.u(2), r.s(3)));
    eq!("1.5 connection kept", code(&c.call(40, Enc::new())), 0);
}
pub const NAMES: &[(u64, &str, bool)] = &[
    (10, "register", true),
    (11, "unregister", true),
    (12, "spawn_daemon", true),
    (21, "list_by_originator", true),
    (22, "get_process_tree", true),
    (30, "kill_zombies", true),
    (31, "kill_tree", true),
    (50, "service_start", true),
    (56, "service_logs", true),
    (60, "spawn_pty_session", false),
    (62, "detach_pty_session", false),
    (64, "terminate_pty_session", false),
    (65, "spawn_pipe_session", false),
    (67, "detach_pipe_stream", false),
    (69, "terminate_pipe_session", false),
    (70, "write_pipe_stdin", false),
    (71, "get_session_backlog", false),
    (73, "bulk_terminate_sessions", false),
    (74, "resize_pty_session", false),
    (75, "register_session_tee", false),
    (76, "unregister_session_tee", false),
    (77, "get_session_tee_status", false),
    (78, "register_session_observer", false),
    (79, "unregister_session_observer", false),
    (80, "get_session_observer_status", false),
];
fn missing() {
    let mut c = Conn::new();
    for (ty, name, reversed) in NAMES {
        let r = c.call_as(*ty, "c", None);
        if r.u(2) == 9 {
            note("unimplemented", (ty, r.s(3)));
            continue;
        }
        let want = if *reversed { format!("missing {name} payload") } else { format!("{name} payload missing") };
        eq!(&format!("1.5 payload missing, type {ty}"), (r.u(2), r.s(3), r.has(*ty as u32)), (3, want, false));
    }
    // another's payload does not count
    let mut e = Enc::new().u(1, 3).u(2, 64);
    e = e.m(69, Enc::new());
    c.send(&framed(&e.0));
    c.next = 3;
    let r = c.reply();
    eq!("6.2 another payload does not count", (r.u(2), r.s(3)), (3, "terminate_pty_session payload missing".into()));
    for ty in [40u64, 42, 20, 63, 68, 72, 54] {
        let r = c.call_as(ty, "c", None);
        if r.u(2) == 9 {
            note("unimplemented", ty);
            continue;
        }
        eq!(&format!("1.5 payload optional, type {ty}"), (r.u(2), r.has(ty as u32), r.s(3)), (0, true, String::new()));
    }
    let mut a = Conn::new();
    a.send(&request(1, 61, "c", None));
    let r = a.reply();
    eq!("1.5 attach PTY without payload", (r.u(2), r.has(61), r.b(61).len()), (4, true, 0));
    eq!("closed", matches!(a.recv(3.0), Got::Eof), true);
    let mut a = Conn::new();
    a.send(&request(1, 66, "c", None));
    let r = a.reply();
    eq!("1.5 attach pipe without payload", (r.u(2), r.has(66), r.b(66).len()), (3, true, 0));
    eq!("closed", matches!(a.recv(3.0), Got::Eof), true);
    // a refused attach closes: what is behind is not answered
    let mut a = Conn::new();
    let mut b = request(1, 61, "c", Some(Enc::new().s(1, "nobody")));
    b.extend(request(2, 40, "c", None));
    a.send(&b);
    eq!("1.3.3 refused", a.reply().u(2), 4);
    let g = a.recv(3.0);
    eq!("1.3.3 nothing after a refused attach", matches!(g, Got::Eof), true);
}
fn types() {
    let mut c = Conn::new();
    let s = pty(&["/bin/cat"]);
    let p = pipe(&["/bin/cat"]);
    // every message empty where its answer is OK
    for (ty, id) in [(62u64, &s.id), (74, &s.id), (64, &s.id), (69, &p.id)] {
        let r = c.call(ty, Enc::new().s(1, id));
        eq!(
            &format!("1.6 empty payload present, type {ty}"),
            (r.u(2), r.nums(), r.b(ty as u32).len()),
            (0, vec![1, ty as u32], 0)
        );
    }
    // ids of one kind are unknown to the other's calls
    for ty in [62u64, 64, 74] {
        let r = c.call(ty, Enc::new().s(1, &p.id));
        eq!(&format!("3.1 pipe id to type {ty}"), (r.u(2), r.has(ty as u32), r.s(3).is_empty()), (4, false, false));
    }
    for ty in [67u64, 69, 70] {
        let r = c.call(ty, Enc::new().s(1, &s.id).u(2, 1));
        let want = 4;
        if ty == 70 {
            let r = c.call(70, Enc::new().s(1, &s.id));
            eq!("3.1 pty id to 70", r.u(2), 4);
            continue;
        }
        eq!(&format!("3.1 pty id to type {ty}"), (r.u(2), r.has(ty as u32)), (want, false));
    }
    let a = Att::open(&p.id, false, Enc::new());
    eq!("3.1 attach PTY of a pipe id", a.first.u(2), 4);
    let a = Att::open(&s.id, true, Enc::new().u(2, 1));
    eq!("3.1 attach pipe of a PTY id", a.first.u(2), 4);
    for ty in [62u64, 64, 69, 71, 74] {
        for id in ["", "nope", "pty-0000000000000000-00000000"] {
            let r = c.call(ty, Enc::new().s(1, id));
            eq!(&format!("unknown id {id:?} to {ty}"), (r.u(2), r.has(ty as u32)), (4, false));
        }
    }
    eq!("unknown id to 70", c.call(70, Enc::new().s(1, "x")).u(2), 4);
    eq!("3.7 detach pipe: unknown id before bad stream", c.call(67, Enc::new().s(1, "x").u(2, 9)).u(2), 4);
    eq!("3.7 attach pipe: bad stream before unknown id", Att::open("x", true, Enc::new().u(2, 9)).first.u(2), 3);
    eq!("3.7 attach pipe: stream 0", Att::open(&p.id, true, Enc::new()).first.u(2), 3);
    // v1 ids are whole: a part, a name or a pid of a session is not an id without the extension
    let s = pty(&["/bin/cat"]);
    for t in [s.id[..s.id.len() - 1].to_string(), s.pid.to_string(), "cat".into(), s.id.to_uppercase() + " "] {
        eq!("v1 target is the exact id", c.call(62, Enc::new().s(1, &t)).u(2), 4);
        eq!("v1 target is the exact id", Att::open(&t, false, Enc::new()).first.u(2), 4);
        eq!("v1 target is the exact id (71)", c.call(71, Enc::new().s(1, &t)).u(2), 4);
    }
    call(64, Enc::new().s(1, &s.id).u(2, 1));
}
fn sizes() {
    for (n, ok) in [(4_194_304usize, true), (4_194_303, true), (4_194_305, false)] {
        let head = Enc::new().u(1, 5).u(2, 40);
        let mut room = n - head.0.len();
        room -= 1;
        let mut l = room - 1;
        loop {
            let mut t = vec![];
            varint(&mut t, l as u64);
            if t.len() + l == room {
                break;
            }
            l -= 1;
        }
        let e = head.b(4, &vec![b'a'; l]);
        assert_eq!(e.0.len(), n);
        let mut c = Conn::new();
        let sent = c.try_send(&framed(&e.0));
        if ok {
            sent.unwrap();
            let r = c.reply();
            eq!(&format!("1.2 {n} bytes accepted"), (r.u(1), r.u(2)), (5, 0));
            eq!("and the next", code(&c.call(40, Enc::new())), 0);
        } else {
            let g = c.recv(5.0);
            note("4 MiB + 1 with its body", (sent.is_ok(), format!("{g:?}").len()));
            if let Got::Frame(f) = g {
                let r = Msg::parse(&f).unwrap();
                ck(
                    "1.5 oversize answer",
                    (r.u(1), r.u(2)) == (0, 3) && r.s(3).starts_with("frame decode error"),
                    r.s(3),
                );
            } else {
                ck("1.5 oversize answered although its body was sent", false, g);
            }
        }
    }
    for p in [[0u8, 0x40, 0, 1], [0xff; 4], [0x80, 0, 0, 0], *b"GET "] {
        let mut c = Conn::new();
        c.send(&p);
        let r = c.reply();
        ck(
            "1.5 oversized prefix",
            (r.u(1), r.u(2)) == (0, 3) && r.s(3).starts_with("frame decode error") && r.nums() == vec![2, 3],
            r.s(3),
        );
        let g = c.recv(3.0);
        ck("1.5 oversized prefix closes", matches!(g, Got::Eof), g);
    }
    let mut c = Conn::new();
    let mut b = request(3, 40, "c", None);
    b.extend([0xff; 4]);
    b.extend(request(4, 40, "c", None));
    c.send(&b);
    eq!("answers before the oversized one", c.reply().u(1), 3);
    eq!("then the error", c.reply().u(1), 0);
    let g = c.recv(3.0);
    ck("then the end", matches!(g, Got::Eof | Got::Err(_)), g);
}
fn eof() {
    for part in [&[0u8][..], &[0, 0, 0], &[0, 0, 0, 5], &[0, 0, 0, 5, 8, 1]] {
        let mut c = Conn::new();
        c.send(part);
        c.s.shutdown(Shutdown::Write).unwrap();
        let r = c.reply();
        ck(
            "1.5 end-of-file inside a frame",
            (r.u(1), r.u(2)) == (0, 3) && r.s(3).starts_with("frame decode error"),
            r.s(3),
        );
        let g = c.recv(3.0);
        ck("closed", matches!(g, Got::Eof), g);
    }
    let c = Conn::new();
    c.s.shutdown(Shutdown::Write).unwrap();
    let mut c = c;
    let g = c.recv(3.0);
    ck("end-of-file at a boundary: closed without a word", matches!(g, Got::Eof), g);
    // requests sent before the half-close are still answered
    let mut c = Conn::new();
    let mut b = vec![];
    for i in 1..=20 {
        b.extend(request(i, if i % 2 == 0 { 63 } else { 40 }, "c", None));
    }
    c.send(&b);
    c.s.shutdown(Shutdown::Write).unwrap();
    let ids: Vec<u64> = (0..20).map(|_| c.reply().u(1)).collect();
    eq!("answered after a half-close", ids, (1..=20).collect::<Vec<u64>>());
    let g = c.recv(3.0);
    ck("then closed", matches!(g, Got::Eof), g);
}
fn status() {
    let mut c = Conn::new();
    let m = c.call(42, Enc::new()).m(42);
    ck("2.9 version", !m.s(1).is_empty(), m.s(1));
    ck("2.9 uptime", m.u(2) < 1_000_000, m.u(2));
    ck("2.9 socket_path", m.s(5) == socket(), m.s(5));
    note("status", (m.s(1), m.u(2), m.u(3), m.u(4), m.s(5), m.s(6), m.s(7)));
    ck("2.9 db_path", m.s(6).starts_with('/'), m.s(6));
    eq!("2.9 scope", m.s(7), "global");
    note("scope_hash", m.s(8));
    ck("2.9 scope_cwd", m.s(9).starts_with('/'), m.s(9));
    ck("2.9 emergency_reserve", ["armed", "released", "degraded"].contains(&m.s(10).as_str()), m.s(10));
    let n = m.u(4);
    let s = pty(&["/bin/cat"]);
    let a = Att::open(&s.id, false, Enc::new());
    let _more: Vec<Conn> = (0..3).map(|_| Conn::new()).collect();
    nap(50);
    eq!("2.9 active_connections with streams", c.call(42, Enc::new()).m(42).u(4), n + 4);
    drop(a);
    drop(_more);
    ck(
        "2.9 active_connections goes back",
        until(3.0, || c.call(42, Enc::new()).m(42).u(4) == n),
        c.call(42, Enc::new()).m(42).u(4),
    );
    call(64, Enc::new().s(1, &s.id).u(2, 1));
}
fn large_response() {
    let big = "x".repeat(120_000);
    let mut argv = vec!["/bin/true"];
    for _ in 0..14 {
        argv.push(&big);
    }
    let o = Enc::new().s(7, "big");
    for _ in 0..4 {
        pty_with(&argv, o.clone());
    }
    let mut c = Conn::new();
    let r = c.call(63, Enc::new().s(1, "big"));
    note("list of 6.7 MB", (c.raw_last.len(), r.u(2), r.m(63).all(1).len()));
    eq!("connection lives", code(&c.call(40, Enc::new())), 0);
    for _ in 0..8 {
        pty_with(&argv, o.clone());
    }
    c.next += 1;
    let id = c.next;
    c.send(&request(id, 63, "c", Some(Enc::new().s(1, "big"))));
    match c.recv(30.0) {
        Got::Frame(f) => note("list of 20 MB", (f.len(), Msg::parse(&f).map(|m| (m.u(1), m.u(2), m.s(3))))),
        o => {
            ck("6.3 too large a response is answered", false, o);
        }
    }
    until(5.0, || call(63, Enc::new().s(1, "big")).m(63).all(1).iter().all(|m| m.u(8) == 1));
    let r = call(72, Enc::new().s(1, "big"));
    eq!("purged", r.m(72).u(1), 12);
}
fn files() {
    use std::os::unix::fs::FileTypeExt;
    use std::os::unix::fs::PermissionsExt;
    let m = std::fs::metadata(socket()).unwrap();
    eq!("1.1 socket mode", m.permissions().mode() & 0o777, 0o600);
    eq!("1.1 is a socket", m.file_type().is_socket(), true);
    let d = std::path::Path::new(&socket()).parent().unwrap().to_owned();
    eq!("1.1 directory mode", std::fs::metadata(d).unwrap().permissions().mode() & 0o777, 0o700);
}
