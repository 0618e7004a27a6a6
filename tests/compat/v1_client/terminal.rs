//! Sections 2.4 and 3.2 to 3.5: terminal sessions.
use crate::{ck, eq, net::*, note, pb::*};
pub const ALL: &[(&str, fn())] = &[
    ("spawn", spawn),
    ("sizes", sizes),
    ("environment", environment),
    ("lookup", lookup),
    ("child", child),
    ("attach", attach),
    ("backlog_marks", backlog_marks),
    ("ring", ring),
    ("input", input),
    ("graphics", graphics),
    ("resize", resize),
    ("detach", detach),
    ("steal", steal),
    ("list", list),
];
fn now() -> f64 {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs_f64()
}
pub fn kv(n: u32, k: &str, v: &str) -> Enc {
    Enc::new().m(n, Enc::new().s(1, k).s(2, v))
}
pub fn output_of(argv: &[&str], more: Enc) -> String {
    let s = pty_with(argv, more);
    ck("exits", until(10.0, || exited(&s.id)), argv);
    String::from_utf8_lossy(&backlog(&s.id, 0).b(1)).replace("\r\n", "\n")
}
fn spawn() {
    let r = call(60, Enc::new().ss(1, &["/bin/sh", "-c", "sleep 0.2; exit 3"]));
    let m = r.m(60);
    eq!("2.4 spawn fields", m.nums(), vec![1, 2, 3]);
    eq!("1.6 message empty", r.has(3), false);
    ck("created_at", (m.d(3) - now()).abs() < 2.0, m.d(3));
    ck("pid is the direct child", alive(m.u(2) as u32), m.u(2));
    note("id", m.s(1));
    let st = std::fs::read_to_string(format!("/proc/{}/stat", m.u(2))).unwrap();
    let f: Vec<&str> = st.rsplit(") ").next().unwrap().split(' ').collect();
    eq!("3.2 session leader", (f[2], f[3]), (m.u(2).to_string().as_str(), m.u(2).to_string().as_str()));
    let id = m.s(1);
    let i = info(&id, false).unwrap();
    eq!("2.4 live info", (i.u(8), i.u(9), i.d(10), i.u(13), i.u(7)), (0, 0, 0.0, 0, 0));
    eq!("created_at same", i.d(6), m.d(3));
    until(5.0, || exited(&id));
    let i = info(&id, false).unwrap();
    eq!("2.4 exited info", (i.u(8), i.u(9), i.u(13)), (1, 3, 1));
    ck("exited_at", (i.d(10) - now()).abs() < 3.0 && i.d(10) > i.d(6), i.d(10));
    let r = call(60, Enc::new());
    eq!("3.2 empty argv", (r.u(2), r.s(3), r.has(60)), (5, "argv must not be empty".into(), false));
    for (what, a) in [
        ("missing", "/nonexistent/x"),
        ("missing name", "no-such-program-anywhere"),
        ("directory", "/tmp"),
        ("not executable", "/etc/passwd"),
        ("empty", ""),
    ] {
        let r = call(60, Enc::new().s(1, a));
        ck(
            &format!("3.2 {what}"),
            r.u(2) == 5 && r.s(3).starts_with("failed to spawn PTY: ") && !r.has(60),
            (r.u(2), r.s(3)),
        );
    }
    let r = call(60, Enc::new().s(1, "/bin/true").s(2, "/nonexistent"));
    ck("003 bad cwd", r.u(2) == 5 && r.s(3).starts_with("failed to spawn PTY"), (r.u(2), r.s(3)));
    let r = call(60, Enc::new().s(1, "/bin/true").s(2, "/etc/passwd"));
    ck("003 cwd is a file", r.u(2) == 5, (r.u(2), r.s(3)));
    for p in [4u64, 99, 0xffffffff] {
        let r = call(60, Enc::new().s(1, "/bin/true").u(8, p));
        eq!("3.2 policy", (r.u(2), r.s(3)), (3, "unknown environment policy".into()));
    }
    for (n, e) in [
        ("NUL in argv", Enc::new().ss(1, &["/bin/echo", "a\0b"])),
        ("NUL in cwd", Enc::new().s(1, "/bin/true").s(2, "/tmp\0")),
        ("NUL in env", Enc::new().s(1, "/bin/true").raw(&kv(3, "A", "b\0c").0)),
        ("= in key", Enc::new().s(1, "/bin/true").raw(&kv(3, "A=B", "c").0)),
        ("empty key", Enc::new().s(1, "/bin/true").raw(&kv(3, "", "c").0)),
    ] {
        let r = call(60, e);
        note(n, (r.u(2), r.s(3)));
    }
    eq!("after NULs", code(&call(40, Enc::new())), 0);
    let r = call(60, Enc::new().ss(1, &["/bin/echo", &"y".repeat(200_000)]));
    ck(
        "too long argument is a failed spawn",
        r.u(2) == 5 && r.s(3).starts_with("failed to spawn PTY"),
        (r.u(2), r.s(3)),
    );
}
fn sizes() {
    for (r, c) in [(65541u64, 65546u64)] {
        let q = call(60, Enc::new().s(1, "/bin/cat").u(5, r).u(6, c));
        eq!("3.2 sizes are cut to 16 bits", (q.u(2), q.s(3)), (0, String::new()));
    }
    for (r, c, wr, wc) in
        [(0u64, 0u64, 24u64, 80u64), (0, 100, 24, 100), (50, 0, 50, 80), (1, 1, 1, 1), (65535, 65535, 65535, 65535)]
    {
        let s = pty_with(&["/bin/sh", "-c", "stty size; read x"], Enc::new().u(5, r).u(6, c));
        let i = info(&s.id, false).unwrap();
        eq!(&format!("3.2 size {r}x{c}"), (i.u(11), i.u(12)), (wr, wc));
        ck(
            "stty agrees",
            until(5.0, || has(&backlog(&s.id, 0).b(1), format!("{wr} {wc}\r\n").as_bytes())),
            String::from_utf8_lossy(&backlog(&s.id, 0).b(1)),
        );
        call(64, Enc::new().s(1, &s.id).u(2, 1));
    }
    for (r, c) in [(65536u64, 65536u64), (u32::MAX as u64, 7)] {
        let s = pty_with(&["/bin/cat"], Enc::new().u(5, r).u(6, c));
        let i = info(&s.id, false).unwrap();
        note("spawn size above 16 bits", (r, c, i.u(11), i.u(12)));
        call(64, Enc::new().s(1, &s.id).u(2, 1));
    }
}
fn env_of(more: Enc) -> Vec<(String, String)> {
    output_of(&["/usr/bin/env"], more)
        .lines()
        .filter_map(|l| l.split_once('=').map(|(a, b)| (a.into(), b.into())))
        .collect()
}
fn get(e: &[(String, String)], k: &str) -> Option<String> {
    e.iter().rev().find(|x| x.0 == k).map(|x| x.1.clone())
}
fn environment() {
    let d: Vec<(String, String)> = std::fs::read(format!("/proc/{}/environ", daemon_pid()))
        .unwrap()
        .split(|b| *b == 0)
        .filter_map(|l| String::from_utf8_lossy(l).split_once('=').map(|(a, b)| (a.to_string(), b.to_string())))
        .collect();
    let skip = |k: &str| {
        k.starts_with("ROOST") || k == "RUNNING_PROCESS_ORIGINATOR" || k == "SHELL" || k == "_" || k == "LC_CTYPE"
    };
    for (n, e) in [
        ("0/false", Enc::new()),
        ("inherit", Enc::new().u(8, 1)),
        ("inherit with clear=true", Enc::new().u(8, 1).u(4, 1)),
    ] {
        let got = env_of(e);
        for (k, v) in &d {
            if !skip(k) && !v.contains('\n') {
                eq!(&format!("3.3 {n} has {k}"), get(&got, k), Some(v.clone()));
            }
        }
        for (k, _) in &got {
            if !skip(k) && k != "SHLVL" {
                ck(&format!("3.3 {n} has nothing more"), d.iter().any(|x| x.0 == *k), k);
            }
        }
    }
    for (n, e) in [
        ("0/true", Enc::new().u(4, 1)),
        ("clear", Enc::new().u(8, 3)),
        ("clear with false", Enc::new().u(8, 3).u(4, 0)),
    ] {
        let got = env_of(e);
        let left: Vec<&String> = got
            .iter()
            .map(|x| &x.0)
            .filter(|k| !k.starts_with("ROOST_") && *k != "RUNNING_PROCESS_ORIGINATOR")
            .collect();
        eq!(&format!("3.3 {n}: only SHELL is there"), left, vec!["SHELL"]);
        eq!("3.1 originator by default", get(&got, "RUNNING_PROCESS_ORIGINATOR"), Some("client:cli".into()));
    }
    let got = env_of(Enc::new().u(8, 2));
    note("baseline", &got);
    eq!(
        "3.3 baseline PATH",
        get(&got, "PATH"),
        Some("/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin".into())
    );
    for k in ["USER", "LOGNAME", "HOME", "SHELL"] {
        ck(&format!("3.3 baseline {k}"), get(&got, k).is_some(), k);
    }
    for (k, _) in &got {
        ck(
            "3.3 baseline has nothing else",
            [
                "USER",
                "LOGNAME",
                "HOME",
                "SHELL",
                "PATH",
                "LANG",
                "TZ",
                "TMPDIR",
                "XDG_RUNTIME_DIR",
                "RUNNING_PROCESS_ORIGINATOR",
            ]
            .contains(&k.as_str())
                || k.starts_with("LC_")
                || k.starts_with("ROOST_"),
            k,
        );
    }
    eq!("3.3 baseline carries XDG_RUNTIME_DIR", get(&got, "XDG_RUNTIME_DIR"), get(&d, "XDG_RUNTIME_DIR"));
    let e = Enc::new()
        .u(8, 3)
        .raw(&kv(3, "A", "1").0)
        .raw(&kv(3, "a", "low").0)
        .raw(&kv(3, "A", "2").0)
        .raw(&kv(3, "E", "").0)
        .raw(&kv(3, "SHELL", "/my/shell").0)
        .raw(&kv(3, "RUNNING_PROCESS_ORIGINATOR", "mine").0)
        .s(7, "TOOL:1");
    let got = env_of(e);
    eq!("3.3 later wins", get(&got, "A"), Some("2".into()));
    eq!("case matters", get(&got, "a"), Some("low".into()));
    eq!("empty value", get(&got, "E"), Some("".into()));
    eq!("3.2 SHELL kept", get(&got, "SHELL"), Some("/my/shell".into()));
    eq!("3.1 originator wins", get(&got, "RUNNING_PROCESS_ORIGINATOR"), Some("TOOL:1".into()));
    eq!("A once", got.iter().filter(|x| x.0 == "A").count(), 1);
    let e = Enc::new().u(8, 2).raw(&kv(3, "HOME", "/elsewhere").0);
    eq!("3.3 env over the baseline", get(&env_of(e), "HOME"), Some("/elsewhere".into()));
    let mut c = Conn::new();
    let r = c.call_as(60, "", Some(Enc::new().ss(1, &["/bin/true"])));
    eq!("3.1 originator without a client name", info(&r.m(60).s(1), false).unwrap().s(5), "client:");
    // the same of pipes
    let p = pipe_with(&["/usr/bin/env"], Enc::new().u(7, 3).s(5, "o"));
    until(5.0, || exited(&p.id));
    let t = String::from_utf8_lossy(&backlog(&p.id, 1).b(1)).into_owned();
    ck("3.3 pipe clear", t.lines().all(|l| l.starts_with("ROOST_") || l == "RUNNING_PROCESS_ORIGINATOR=o"), &t);
}
fn lookup() {
    let d = scratch("lookup");
    let d = d.as_str();
    let _ = std::fs::remove_dir_all(d);
    std::fs::create_dir_all(format!("{d}/bin/sub")).unwrap();
    std::fs::create_dir_all(format!("{d}/cwd/rel")).unwrap();
    std::fs::create_dir_all(format!("{d}/cwd/inner")).unwrap();
    std::fs::create_dir_all(format!("{d}/bin/adir")).unwrap();
    let put = |p: &str, t: &str| {
        std::fs::write(p, format!("#!/bin/sh\necho {t}\n")).unwrap();
        use std::os::unix::fs::PermissionsExt;
        std::fs::set_permissions(p, std::fs::Permissions::from_mode(0o755)).unwrap();
    };
    put(&format!("{d}/bin/prog"), "in-path");
    put(&format!("{d}/cwd/prog"), "in-cwd");
    put(&format!("{d}/cwd/prog3"), "cwd3");
    put(&format!("{d}/cwd/rel/prog4"), "rel4");
    put(&format!("{d}/up"), "up");
    put(&format!("{d}/cwd/inner/prog5"), "inner5");
    std::fs::write(format!("{d}/bin/plain"), "x").unwrap();
    std::fs::create_dir_all(format!("{d}/bin2")).unwrap();
    put(&format!("{d}/bin2/plain"), "second");
    let cwd = format!("{d}/cwd");
    let path = format!("{d}/nothing:{d}/bin:rel:{d}/bin2");
    let e = |p: &str| Enc::new().u(8, 3).s(2, &cwd).raw(&kv(3, "PATH", p).0);
    for (prog, want) in
        [("prog", "in-path"), ("./prog", "in-cwd"), ("../up", "up"), ("prog4", "rel4"), ("plain", "second")]
    {
        eq!(&format!("3.2 lookup {prog}"), output_of(&[prog], e(&path)).trim(), want);
    }
    for prog in ["prog3", "adir"] {
        let r = call(60, Enc::new().s(1, prog).raw(&e(&path).0));
        note(&format!("lookup of {prog}"), (r.u(2), r.s(3)));
        if prog != "adir" {
            ck(&format!("3.2 {prog} is not looked up in cwd"), r.u(2) == 5, r.u(2));
        } else {
            eq!("directory not run", r.u(2), 5);
        }
    }
    // the list shows what was asked
    let s = pty_with(&["./prog", "a  b", "c"], e(&path));
    let i = info(&s.id, false).unwrap();
    eq!("3.1 command", i.s(3), "./prog a  b c");
    eq!("3.1 cwd", i.s(4), cwd.clone());
    let s = pty_with(&["/bin/pwd"], Enc::new());
    eq!("3.1 cwd empty", info(&s.id, false).unwrap().s(4), "");
    until(5.0, || exited(&s.id));
    let want = std::fs::read_link(format!("/proc/{}/cwd", daemon_pid())).unwrap();
    note("cwd of daemon and of a child", (want, String::from_utf8_lossy(&backlog(&s.id, 0).b(1)).trim().to_string()));
    let r = call(42, Enc::new()).m(42).s(9);
    eq!(
        "3.2 empty cwd is the daemon's (status scope_cwd)",
        String::from_utf8_lossy(&backlog(&s.id, 0).b(1)).trim(),
        r.as_str()
    );
    // pipes: execvp rules
    let pe = |p: &str| Enc::new().u(7, 3).s(2, &cwd).raw(&kv(3, "PATH", p).0);
    for (prog, want) in [
        ("prog", "in-path"),
        ("./prog", "in-cwd"),
        ("../up", "up"),
        ("prog4", "rel4"),
        ("inner/prog5", "inner5"),
        ("plain", "second"),
    ] {
        let p = pipe_with(&[prog], pe(&path));
        until(5.0, || exited(&p.id));
        eq!(&format!("3.7 lookup {prog}"), String::from_utf8_lossy(&backlog(&p.id, 1).b(1)).trim(), want);
    }
    let p = pipe_with(&["echo", "hi"], Enc::new().u(7, 3));
    until(5.0, || exited(&p.id));
    eq!("3.7 no PATH: the libc default", backlog(&p.id, 1).b(1), b"hi\n".to_vec());
    let r = call(60, Enc::new().ss(1, &["echo", "hi"]).u(8, 3));
    note("PTY without PATH", (r.u(2), r.s(3)));
    let r = call(60, Enc::new().ss(1, &["prog"]).raw(&e("").0));
    note("PTY with an empty PATH", (r.u(2), r.s(3)));
}
fn child() {
    let t = output_of(&["/bin/sh", "-c", "ls -l /proc/self/fd | grep -c /dev/pts; ls /proc/self/fd | tr '\\n' ' '; grep -E 'SigBlk|SigIgn' /proc/self/status; stty -a; test -t 0 && test -t 1 && test -t 2 && echo TTYS; cat /proc/self/stat | cut -d' ' -f7"], Enc::new());
    ck("3.2 three on the slave, no more descriptors", t.starts_with("2\n0 1 2 3 "), &t);
    ck("3.2 nothing blocked", t.contains("SigBlk:\t0000000000000000"), &t);
    let ign = u64::from_str_radix(t.split("SigIgn:\t").nth(1).unwrap().lines().next().unwrap(), 16).unwrap();
    for sig in [17u32, 1, 2, 3, 15, 14] {
        ck("3.2 signals default", ign & (1 << (sig - 1)) == 0, sig);
    }
    note("ignored signals", ign);
    for w in [" icanon", " echo ", " onlcr", "isig ", " icrnl"] {
        ck("3.2 termios", t.contains(w), (w, &t));
    }
    ck("3.2 all ttys", t.contains("TTYS"), &t);
    // no terminal query is answered
    let s = pty(&[
        "/bin/sh",
        "-c",
        "stty raw -echo; printf '\\033[6n\\033[c'; dd bs=1 count=1 2>/dev/null | od -c; echo got",
    ]);
    nap(400);
    ck("3.2 queries unanswered", !has(&backlog(&s.id, 0).b(1), b"got"), "answered");
    call(64, Enc::new().s(1, &s.id).u(2, 1));
    let p = pipe(&["/bin/sh", "-c", "ls /proc/self/fd | tr '\\n' ' '; grep -E 'SigBlk|SigIgn' /proc/self/status; cut -d' ' -f5 /proc/$$/stat; echo $$"]);
    until(5.0, || exited(&p.id));
    let t = String::from_utf8_lossy(&backlog(&p.id, 1).b(1)).into_owned();
    ck("3.7 descriptors of a pipe child", t.starts_with("0 1 2 3 SigBlk:\t0000000000000000"), &t);
    ck("3.7 own group", t.contains(&format!("{}\n{}\n", p.pid, p.pid)), &t);
}
fn attach() {
    let s = pty(&["/bin/sh", "-c", "echo ready; read x; echo got:$x; exit 0"]);
    until(5.0, || has(&backlog(&s.id, 0).b(1), b"ready"));
    let mut a = Att::open(&s.id, false, Enc::new().u(2, 30).u(3, 90).s(5, "xterm-q").u(6, 1));
    eq!("3.4 attach fields", (a.first.nums(), a.payload().nums()), (vec![1, 61], vec![2]));
    eq!("backlog", a.backlog(), b"ready\r\n".to_vec());
    let i = info(&s.id, false).unwrap();
    eq!("6.9 dimensions in the list", (i.u(11), i.u(12), i.u(7), i.u(14), i.s(15)), (30, 90, 1, 1, "xterm-q".into()));
    let r = Att::open(&s.id, false, Enc::new());
    eq!("3.4 ALREADY_ATTACHED", (r.first.u(2), r.first.has(61), r.first.b(61).len()), (10, true, 0));
    a.input(b"hello\n");
    let e = a.finish(5.0);
    eq!("3.4 exit 0 after all the output", (&e, a.got.clone()), (&End::Exit(0), b"hello\r\ngot:hello\r\n".to_vec()));
    eq!("6.1 exit 0 bytes", a.c.raw_last.clone(), vec![0, 0, 0, 2, 0x10, 0]);
    let i = info(&s.id, false).unwrap();
    eq!("detached after the exit", (i.u(7), i.u(14), i.s(15)), (0, 0, "".into()));
    let mut a = Att::open(&s.id, false, Enc::new().u(4, 1));
    eq!("3.4 exited NOT_FOUND", (a.first.u(2), a.first.has(61)), (4, true));
    note("exited text", a.first.s(3));
    ck("3.4 text carries the code", a.first.s(3).contains("exit code 0") || a.first.s(3).contains('0'), a.first.s(3));
    let g = a.c.recv(3.0);
    ck("closed", matches!(g, Got::Eof), g);
    // signal deaths
    let s = pty(&["/bin/sh", "-c", "sleep 0.3; kill -9 $$"]);
    let mut a = Att::open(&s.id, false, Enc::new());
    eq!("G3 signal death", a.finish(5.0), End::Exit(-9));
    eq!("ten bytes", a.c.raw_last.clone(), vec![0, 0, 0, 11, 0x10, 0xf7, 255, 255, 255, 255, 255, 255, 255, 255, 1]);
    eq!("G3 in the list", info(&s.id, false).unwrap().i(9), -9);
    eq!("G3 in the backlog", backlog(&s.id, 0).i(5), -9);
    let s = pty(&["/bin/sh", "-c", "sleep 0.3; exit 255"]);
    let mut a = Att::open(&s.id, false, Enc::new());
    eq!("exit 255", a.finish(5.0), End::Exit(255));
    // is_tty=false: no resize; zero keeps
    let s = pty_with(&["/bin/cat"], Enc::new().u(5, 33).u(6, 99));
    let size = || {
        let i = info(&s.id, false).unwrap();
        (i.u(11), i.u(12))
    };
    {
        let _a = Att::open(&s.id, false, Enc::new().u(2, 10).u(3, 10));
        eq!("3.4 is_tty=false", size(), (33, 99));
        eq!("is_tty recorded", info(&s.id, false).unwrap().u(14), 0);
    }
    until(2.0, || info(&s.id, false).unwrap().u(7) == 0);
    {
        let _a = Att::open(&s.id, false, Enc::new().u(2, 0).u(3, 50).u(6, 1));
        eq!("6.9 zero rows keep", size(), (33, 50));
    }
    until(2.0, || info(&s.id, false).unwrap().u(7) == 0);
    {
        let _a = Att::open(&s.id, false, Enc::new().u(2, 20).u(6, 1));
        eq!("6.9 zero cols keep", size(), (20, 50));
    }
    until(2.0, || info(&s.id, false).unwrap().u(7) == 0);
    {
        let _a = Att::open(&s.id, false, Enc::new().u(2, 65541).u(3, 65546).u(6, 1));
        note("attach with 65541x65546", (size(), _a.first.u(2), _a.first.s(3)));
    }
    ck("size stays after detach", until(2.0, || info(&s.id, false).unwrap().u(7) == 0), size());
    call(64, Enc::new().s(1, &s.id).u(2, 1));
    // an id with the payload's other fields absent; extra input directly behind the request
    let s = pty(&["/bin/cat"]);
    let mut behind = vec![];
    for i in 0..50 {
        behind.extend(framed(&Enc::new().b(1, format!("line{i}\n").as_bytes()).0));
        if i % 7 == 0 {
            behind.extend(framed(&[]));
            behind.extend(framed(&[0xff, 0xff]));
            behind.extend(framed(&[0x18, 0]));
            behind.extend(framed(&[0x20, 0]));
        }
    }
    let mut a = Att::open_with(&s.id, false, Enc::new(), &behind);
    ck(
        "1.3.4 frames behind the request are input",
        a.see(b"line49\r\nline49\r\n", 5.0) || a.see(b"line49", 1.0),
        String::from_utf8_lossy(&a.got),
    );
    for i in 0..50 {
        ck("each line", has(&a.got, format!("line{i}\r\n").as_bytes()), i);
    }
    // a request envelope on the stream is a frame without meaning
    a.c.send(&request(3, 40, "c", None)[..]);
    nap(100);
    let was = exited(&s.id);
    note("an envelope on the stream is an interrupt by its field 3", was);
    if was {
        eq!("interrupted", a.finish(3.0), End::Exit(-2));
        call(64, Enc::new().s(1, &s.id).u(2, 1));
        return;
    }
    a.input(b"after\n");
    ck("stream goes on after odd frames", a.see(b"after", 3.0), &a.got.len());
    a.input(&[4]);
    eq!("end of file ends cat", a.finish(5.0), End::Exit(0));
}
fn backlog_marks() {
    let s = pty(&["/bin/sh", "-c", "stty -echo; echo one; while read x; do echo $x; done"]);
    until(5.0, || has(&backlog(&s.id, 0).b(1), b"one"));
    let b = backlog(&s.id, 0);
    eq!("3.8 backlog fields", (b.s(3), b.u(4), b.u(5), b.d(6), b.u(7)), ("pty".into(), 0, 0, 0.0, 0));
    eq!("3.8 copy", b.b(1), b"one\r\n".to_vec());
    eq!("3.8 twice", backlog(&s.id, 2).b(1), b"one\r\n".to_vec());
    let mut a = Att::open(&s.id, false, Enc::new());
    eq!("attach drains", (a.backlog(), a.truncated(), a.missed_at_attach()), (b"one\r\n".to_vec(), 0, 0));
    eq!("6.5 ring is empty now", backlog(&s.id, 0).b(1), b"".to_vec());
    a.input(b"live\n");
    ck("live", a.see(b"live\r\n", 3.0), &a.got);
    eq!("6.5 the ring collects what is delivered", backlog(&s.id, 0).b(1), b"live\r\n".to_vec());
    a.detach();
    let g = a.c.recv(3.0);
    ck("3.4 detach frame: closed without a frame", matches!(g, Got::Eof), g);
    let a = Att::open(&s.id, false, Enc::new());
    eq!("3.1 everything since the previous attach", a.backlog(), b"live\r\n".to_vec());
    drop(a);
    until(2.0, || info(&s.id, false).unwrap().u(7) == 0);
    let a = Att::open(&s.id, false, Enc::new());
    eq!("nothing twice", (a.backlog(), a.first.nums(), a.payload().0.len()), (b"".to_vec(), vec![1, 61], 0));
    drop(a);
    call(64, Enc::new().s(1, &s.id).u(2, 1));
    until(3.0, || exited(&s.id));
    let b = backlog(&s.id, 0);
    ck("backlog after exit", b.u(4) == 1 && b.d(6) > 0.0 && b.u(7) >= 2, b.u(7));
    call(72, Enc::new());
    eq!("3.8 gone after purge", call(71, Enc::new().s(1, &s.id)).u(2), 4);
}
fn ring() {
    const C: usize = 1 << 20;
    for n in [C, C + 1, 3 * C] {
        let s = pty(&[
            "/bin/sh",
            "-c",
            &format!("stty raw; head -c {n} /dev/zero | tr '\\0' x; sleep 0.1; printf END; sleep 30"),
        ]);
        ck("written", until(20.0, || backlog(&s.id, 0).b(1).ends_with(b"END")), n);
        let total = n + 3;
        let b = backlog(&s.id, 0);
        eq!("3.1 ring holds 1 MiB", (b.b(1).len(), b.u(2) as usize), (total.min(C), total.saturating_sub(C)));
        let a = Att::open(&s.id, false, Enc::new());
        eq!(
            "3.1 attach of a lapped ring",
            (a.backlog().len(), a.truncated(), a.missed_at_attach() as usize),
            (total.min(C), (total > C) as u64, total.saturating_sub(C))
        );
        drop(a);
        until(2.0, || info(&s.id, false).unwrap().u(7) == 0);
        let a = Att::open(&s.id, false, Enc::new());
        eq!(
            "6.5 missed is a lifetime total",
            (a.backlog().len(), a.truncated(), a.missed_at_attach() as usize),
            (0, (total > C) as u64, total.saturating_sub(C))
        );
        call(64, Enc::new().s(1, &s.id).u(2, 1));
    }
    // live: no frame above 64 KiB, every byte, byte exact
    let s =
        pty(&["/bin/sh", "-c", "stty raw -echo; echo go; read x; head -c 8000000 /dev/zero | tr '\\0' y; sleep 0.2"]);
    let mut a = Att::open(&s.id, false, Enc::new());
    a.see(b"go", 3.0);
    a.input(b"\n");
    let e = a.finish(30.0);
    eq!("live end", e, End::Exit(0));
    ck("3.1 chunk at most 64 KiB", a.biggest <= 65536, a.biggest);
    let ys = a.got.iter().filter(|b| **b == b'y').count() as u64;
    eq!("live: every byte or counted", ys + a.missed, 8_000_000);
    note("8 MB live", (a.biggest, a.missed));
    // a client that does not read: gets a count, daemon stays well
    let s = pty(&["/bin/sh", "-c", "stty raw -echo; head -c 30000000 /dev/zero | tr '\\0' z; sleep 0.2; exit 5"]);
    let mut a = Att::open(&s.id, false, Enc::new());
    let n0 = a.backlog().len() as u64;
    ck("G17 nothing waits for a slow client", until(30.0, || exited(&s.id)), "blocked");
    let e = a.finish(10.0);
    eq!("G17 slow client ends with the code", e, End::Exit(5));
    eq!("G17 missed_bytes is exact", n0 + a.missed_at_attach() + a.missed + a.got.len() as u64, 30_000_000);
    ck("G17 something was missed", a.missed > 0, a.missed);
}
fn input() {
    let s = pty(&["/bin/sh", "-c", "trap 'echo INT' INT; echo up; while :; do sleep 0.05; done"]);
    let mut a = Att::open(&s.id, false, Enc::new());
    if !has(&a.backlog(), b"up") {
        a.see(b"up", 3.0);
    }
    a.c.send(&framed(&[0x18, 0]));
    nap(200);
    a.c.send(&framed(&[0x18, 1]));
    ck("3.4 interrupt", a.see(b"INT", 3.0), &a.got);
    nap(200);
    while a.step(0.2).is_none() {}
    eq!("3.4 interrupt=false ignored", a.got.windows(3).filter(|w| w == b"INT").count(), 1);
    call(64, Enc::new().s(1, &s.id).u(2, 1));
    a.end(5.0);
    let s =
        pty(&["/bin/sh", "-c", "stty raw -echo -isig; trap 'echo INTRAW' INT; echo up; while :; do sleep 0.05; done"]);
    let mut a = Att::open(&s.id, false, Enc::new());
    if !has(&a.backlog(), b"up") {
        a.see(b"up", 3.0);
    }
    a.c.send(&framed(&[0x18, 1]));
    ck("3.4 interrupt in raw mode", a.see(b"INTRAW", 3.0), &a.got);
    call(64, Enc::new().s(1, &s.id).u(2, 1));
    // interrupt reaches the foreground job of a shell, not the shell
    let s = pty(&["/bin/bash", "--norc", "-i"]);
    let mut a = Att::open(&s.id, false, Enc::new());
    a.input(b"sleep 100; echo rc=$?\n");
    nap(500);
    a.c.send(&framed(&[0x18, 1]));
    nap(300);
    a.input(b"echo still-$((1+1))\n");
    ck("3.4 foreground group", a.see(b"still-2", 3.0), String::from_utf8_lossy(&a.got));
    call(64, Enc::new().s(1, &s.id).u(2, 1));
    // verbatim
    let all: Vec<u8> = (0..=255u8).collect();
    let s = pty(&["/bin/sh", "-c", "stty raw -echo; echo up; head -c 256 | od -An -v -tx1"]);
    let mut a = Att::open(&s.id, false, Enc::new());
    if !has(&a.backlog(), b"up") {
        a.see(b"up", 3.0);
    }
    a.got.clear();
    a.input(&all);
    let e = a.finish(5.0);
    let hex: String = String::from_utf8_lossy(&a.got).split_whitespace().collect::<Vec<_>>().join("");
    eq!("3.4 input verbatim", (e, hex), (End::Exit(0), all.iter().map(|b| format!("{b:02x}")).collect()));
    // a large input in one frame, to a child that reads slowly
    let n = 3_000_000usize;
    let s = pty(&["/bin/sh", "-c", &format!("stty raw -echo; echo up; sleep 0.5; head -c {n} | md5sum")]);
    let mut a = Att::open(&s.id, false, Enc::new());
    if !has(&a.backlog(), b"up") {
        a.see(b"up", 3.0);
    }
    a.got.clear();
    let data: Vec<u8> = (0..n).map(|i| b'a' + (i % 23) as u8).collect();
    a.input(&data);
    std::fs::write(scratch("in.bin"), &data).unwrap();
    let want = std::process::Command::new("md5sum")
        .stdin(std::fs::File::open(scratch("in.bin")).unwrap())
        .output()
        .unwrap()
        .stdout;
    let e = a.finish(60.0);
    eq!(
        "3.4 3 MB of input whole",
        (e, String::from_utf8_lossy(&a.got).trim().to_string()),
        (End::Exit(0), String::from_utf8_lossy(&want).trim().to_string())
    );
    // G19: a child that does not read blocks neither steal, detach, nor others
    let s = pty(&["/bin/sh", "-c", "stty raw -echo; echo up; sleep 60"]);
    let mut a = Att::open(&s.id, false, Enc::new());
    if !has(&a.backlog(), b"up") {
        a.see(b"up", 3.0);
    }
    let f = framed(&Enc::new().b(1, &vec![b'q'; 1_000_000]).0);
    a.c.s.set_write_timeout(Some(std::time::Duration::from_millis(500))).unwrap();
    for _ in 0..6 {
        if a.c.try_send(&f).is_err() {
            break;
        }
    }
    let t = std::time::Instant::now();
    let mut th = Att::open(&s.id, false, Enc::new().u(4, 1));
    ck("G19 steal from a blocked writer", th.ok() && t.elapsed().as_secs_f64() < 1.0, t.elapsed());
    ck("victim told", matches!(a.finish(3.0), End::Stolen(_) | End::Bad(_)), "no");
    th.detach();
    let g = th.c.recv(2.0);
    ck("G19 detach", matches!(g, Got::Eof), g);
    let t = std::time::Instant::now();
    call(64, Enc::new().s(1, &s.id).u(2, 100));
    ck("terminate fast", t.elapsed().as_millis() < 200, t.elapsed());
    ck("ends", until(5.0, || exited(&s.id)), "no");
    // oversize on a stream
    let s = pty(&["/bin/cat"]);
    let mut a = Att::open(&s.id, false, Enc::new());
    a.c.send(&[0xff; 8]);
    let g = a.c.recv(3.0);
    ck("1.5 oversize on a stream: closed without a frame", matches!(g, Got::Eof), g);
    ck("and detached", until(3.0, || info(&s.id, false).unwrap().u(7) == 0), "attached");
    let mut a = Att::open(&s.id, false, Enc::new());
    ck("attach again", a.ok(), &a.first);
    a.c.s.shutdown(std::net::Shutdown::Write).unwrap();
    let g = a.c.recv(3.0);
    ck("half-close is a disconnect", matches!(g, Got::Eof), g);
    ck("and detached", until(3.0, || info(&s.id, false).unwrap().u(7) == 0), "attached");
    // the last input before a disconnect is written
    let mut a = Att::open(&s.id, false, Enc::new());
    a.input(b"last words\n");
    drop(a);
    ck("input then close is delivered", until(3.0, || has(&backlog(&s.id, 0).b(1), b"last words")), "lost");
    let mut a = Att::open(&s.id, false, Enc::new());
    a.input(b"parting\n");
    a.detach();
    let g = a.c.recv(3.0);
    ck("closed", matches!(g, Got::Eof) || matches!(g, Got::Frame(_)), g);
    ck("input then detach is delivered", until(3.0, || has(&backlog(&s.id, 0).b(1), b"parting")), "lost");
    call(64, Enc::new().s(1, &s.id).u(2, 1));
}
fn caps(m: &Msg) -> Vec<(u64, u64, u64, String, usize)> {
    m.all(1).iter().map(|c| (c.u(1), c.u(2), c.u(3), c.s(4), c.0.iter().filter(|x| x.0 == 5).count())).collect()
}
fn graphics() {
    let s = pty(&["/bin/cat"]);
    let i = info(&s.id, false).unwrap();
    let dflt =
        vec![(1, 3, 4, "missing".to_string(), 0), (2, 3, 4, "missing".into(), 0), (3, 3, 4, "missing".into(), 0)];
    eq!("3.5 graphics when nobody is attached", (i.has(16), caps(&i.m(16)), i.m(16).u(2)), (true, dflt.clone(), 0));
    {
        let _a = Att::open(&s.id, false, Enc::new().u(6, 1));
        eq!("3.5 graphics absent in the attach", caps(&info(&s.id, false).unwrap().m(16)), dflt.clone());
    }
    until(2.0, || info(&s.id, false).unwrap().u(7) == 0);
    let e = |p: u64, st: u64, ev: u64| Enc::new().u(1, p).u(2, st).u(3, ev).s(4, "TERM").ss(5, &["r1", "r2"]);
    {
        let _a = Att::open(
            &s.id,
            false,
            Enc::new().s(5, "kitty").m(7, Enc::new().m(1, e(2, 1, 2)).m(1, e(0, 0, 0)).m(1, e(3, 4, 5)).u(2, 2)),
        );
        let i = info(&s.id, false).unwrap();
        eq!(
            "2.2 graphics listed back",
            (caps(&i.m(16)), i.m(16).u(2), i.s(15)),
            (
                vec![(2, 1, 2, "TERM".into(), 2), (1, 3, 4, "TERM".into(), 2), (3, 4, 5, "TERM".into(), 2)],
                2,
                "kitty".into()
            )
        );
        let _b = Att::open(&s.id, false, Enc::new().u(4, 1).m(7, Enc::new()));
        let i = info(&s.id, false).unwrap();
        note("graphics present but empty", caps(&i.m(16)));
    }
    until(2.0, || info(&s.id, false).unwrap().u(7) == 0);
    eq!("3.5 default again after the detach", caps(&info(&s.id, false).unwrap().m(16)), dflt);
    call(64, Enc::new().s(1, &s.id).u(2, 1));
}
fn resize() {
    let s = pty(&["/bin/sh", "-c", "trap 'stty size' WINCH; echo up; while :; do sleep 0.05; done"]);
    let size = || {
        let i = info(&s.id, false).unwrap();
        (i.u(11), i.u(12))
    };
    let rs = |r: u64, c: u64| call(74, Enc::new().s(1, &s.id).u(2, r).u(3, c)).u(2);
    until(3.0, || has(&backlog(&s.id, 0).b(1), b"up"));
    eq!("3.5 resize unattached", rs(40, 120), 0);
    eq!("stored", size(), (40, 120));
    ck("SIGWINCH seen", until(3.0, || has(&backlog(&s.id, 0).b(1), b"40 120")), "no");
    rs(0, 77);
    eq!("0 keeps rows", size(), (40, 77));
    rs(12, 0);
    eq!("0 keeps cols", size(), (12, 77));
    rs(0, 0);
    eq!("0x0 keeps both", size(), (12, 77));
    let rc = rs(70000, 80);
    note("resize RPC to 70000x80", (rc, size()));
    rs(24, 80);
    let mut a = Att::open(&s.id, false, Enc::new().u(2, 30).u(3, 100).u(6, 1));
    eq!("attach resizes", size(), (30, 100));
    rs(31, 101);
    eq!("RPC while attached", size(), (31, 101));
    ck("seen by the client", a.see(b"31 101", 3.0), &a.got);
    a.resize(40, 120);
    ck("in-stream resize", a.see(b"40 120", 3.0) && size() == (40, 120), size());
    a.resize(0, 90);
    nap(150);
    eq!("G18 in-stream 0 rows", size(), (40, 90));
    a.resize(0, 0);
    nap(100);
    eq!("G18 in-stream 0x0", size(), (40, 90));
    a.resize(65536 + 3, 70000);
    nap(150);
    let z = size();
    ck("G18 no wrap", z != (3, 4464), z);
    note("in-stream 65539x70000", z);
    // not a terminal client may resize too
    call(64, Enc::new().s(1, &s.id).u(2, 1));
    until(4.0, || exited(&s.id));
    eq!("3.5 resize after exit OK", rs(10, 10), 0);
    note("size after a resize of an exited session", size());
    // pipelined: resize then list
    let s = pty(&["/bin/cat"]);
    let mut c = Conn::new();
    let mut b = request(1, 74, "c", Some(Enc::new().s(1, &s.id).u(2, 11).u(3, 22)));
    b.extend(request(2, 63, "c", None));
    c.send(&b);
    c.reply();
    let l = c.reply();
    let i = l.m(63).all(1).into_iter().find(|m| m.s(1) == s.id).unwrap();
    eq!("pipelined resize and list", (i.u(11), i.u(12)), (11, 22));
    call(64, Enc::new().s(1, &s.id).u(2, 1));
}
fn detach() {
    let s = pty(&["/bin/cat"]);
    let d = || call(62, Enc::new().s(1, &s.id)).u(2);
    eq!("3.5 detach with nobody", d(), 0);
    let mut a = Att::open(&s.id, false, Enc::new());
    eq!("detach", d(), 0);
    eq!("3.5 detached", a.finish(3.0), End::Error("detached".into()));
    eq!("bytes", a.c.raw_last.clone(), [&[0, 0, 0, 10, 0x22, 8][..], b"detached"].concat());
    // detach, then a quick re-attach survives (G14)
    for _ in 0..30 {
        let mut c = Conn::new();
        let mut v = Att::open(&s.id, false, Enc::new());
        assert!(v.ok(), "{:?}", v.first);
        c.call(62, Enc::new().s(1, &s.id));
        let mut n = Att::open(&s.id, false, Enc::new());
        ck("attach right after a detach RPC", n.ok(), &n.first);
        eq!("victim", v.finish(3.0), End::Error("detached".into()));
        n.input(b"k\n");
        ck("G14 the new one lives", n.see(b"k\r\n", 3.0), &n.got);
        n.detach();
        let g = n.c.recv(3.0);
        ck("closed or echo", matches!(g, Got::Eof | Got::Frame(_)), g);
        ck("slot free", until(2.0, || info(&s.id, false).unwrap().u(7) == 0), "no");
    }
    call(64, Enc::new().s(1, &s.id).u(2, 1));
    until(3.0, || exited(&s.id));
    eq!("3.5 detach after exit", d(), 0);
}
fn steal() {
    let s = pty(&["/bin/cat"]);
    let mut cur = Att::open(&s.id, false, Enc::new().u(4, 1));
    ck("steal of nobody", cur.ok(), &cur.first);
    for i in 0..40 {
        let mut th = Att::open(&s.id, false, Enc::new().u(4, 1));
        ck("steal", th.ok(), &th.first);
        let e = cur.finish(3.0);
        ck("3.4 victim", matches!(e, End::Stolen(_)), &e);
        if i == 0 {
            note("stolen_by", e);
        }
        nap(if i % 3 == 0 { 30 } else { 0 });
        let w = format!("t{i}\n");
        th.input(w.as_bytes());
        ck("G14 thief lives", th.see(format!("t{i}\r\n").as_bytes(), 3.0), &th.got);
        eq!("attached", info(&s.id, false).unwrap().u(7), 1);
        cur = th;
    }
    call(64, Enc::new().s(1, &s.id).u(2, 1));
    cur.end(4.0);
}
fn list() {
    for (o, n) in [("A:1", 2usize), ("A:12", 1), ("A", 1)] {
        for _ in 0..n {
            pty_with(&["/bin/true"], Enc::new().s(7, o));
            pipe_with(&["/bin/true"], Enc::new().s(5, o));
        }
    }
    for (o, n) in [("A:1", 2usize), ("A:12", 1), ("A", 1), ("a:1", 0), ("A:", 0)] {
        eq!("6.8 exact filter", call(63, Enc::new().s(1, o)).m(63).all(1).len(), n);
        eq!("6.8 exact filter of pipes", call(68, Enc::new().s(1, o)).m(68).all(1).len(), n);
    }
    let r = call(63, Enc::new().s(1, "nobody-at-all"));
    eq!("6.2 empty list present", (r.u(2), r.nums()), (0, vec![1, 63]));
    let r = call(68, Enc::new().s(1, "nobody-at-all"));
    eq!("6.2 empty list present", (r.u(2), r.nums()), (0, vec![1, 68]));
    until(4.0, || {
        ["A:1", "A:12", "A"].iter().all(|o| {
            call(63, Enc::new().s(1, o)).m(63).all(1).iter().all(|m| m.u(8) == 1)
                && call(68, Enc::new().s(1, o)).m(68).all(1).iter().all(|m| m.u(9) == 1)
        })
    });
    let live = pty_with(&["/bin/cat"], Enc::new().s(7, "A:1"));
    let r = call(72, Enc::new().s(1, "A:1")).m(72);
    eq!("3.8 purge counts", (r.u(1), r.u(2)), (2, 2));
    ck("live untouched", info(&live.id, false).is_some(), "gone");
    let r = call(72, Enc::new().s(1, "A:1"));
    eq!("3.8 purge again", (r.nums(), r.b(72).len()), (vec![1, 72], 0));
    call(64, Enc::new().s(1, &live.id).u(2, 1));
    let r = call(72, Enc::new().s(1, "A")).m(72);
    eq!("exact", (r.u(1), r.u(2)), (1, 1));
    call(72, Enc::new().s(1, "A:12"));
}
