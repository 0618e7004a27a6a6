//! Attach, steal, detach, terminate and exit against each other.
use crate::{ck, eq, net::*, note, pb::*};
use std::thread;
pub const ALL: &[(&str, fn())] = &[
    ("attach_at_exit", attach_at_exit),
    ("exit_in_steal", exit_in_steal),
    ("cycles", cycles),
    ("storm", storm),
    ("split", split),
    ("int_loop", int_loop),
    ("signal_loop", signal_loop),
    ("terminate_attach", terminate_attach),
    ("big_sharing", big_sharing),
];
fn kind(p: bool) -> Enc {
    if p {
        Enc::new().u(2, 1)
    } else {
        Enc::new()
    }
}
fn attach_at_exit() {
    for p in [false, true] {
        let (mut refused, mut taken) = (0, 0);
        for i in 0..120u64 {
            let d = format!("sleep 0.0{:02}; echo out; exit 3", i % 30);
            let s = if p { pipe(&["/bin/sh", "-c", &d]) } else { pty(&["/bin/sh", "-c", &d]) };
            thread::sleep(std::time::Duration::from_micros(i % 30 * 1000 + i * 37 % 9000));
            let mut a = Att::open(&s.id, p, kind(p));
            if a.ok() {
                taken += 1;
                let e = a.finish(5.0);
                ck("G6 attach at the exit always ends", matches!(e, End::Exit(3)) || (p && e == End::Eof), &e);
                let mut all = a.backlog();
                all.extend(&a.got);
                let want: &[u8] = if p { b"out\n" } else { b"out\r\n" };
                eq!("G6/G15 all output once", all, want.to_vec());
            } else {
                refused += 1;
                eq!("NOT_FOUND", a.first.u(2), 4);
                ck("exit recorded then", exited(&s.id), "no");
                ck("closed", matches!(a.c.recv(3.0), Got::Eof), "no");
            }
        }
        note("attach at the exit: taken, refused", (p, taken, refused));
    }
}
fn exit_in_steal() {
    for i in 0..60u64 {
        let s = pty(&["/bin/sh", "-c", "read x; echo fin; exit 4"]);
        let mut v = Att::open(&s.id, false, Enc::new());
        v.input(b"\n");
        if i % 2 == 0 {
            thread::sleep(std::time::Duration::from_micros(i * 150));
        }
        let mut th = Att::open(&s.id, false, Enc::new().u(4, 1));
        let e = v.finish(5.0);
        ck("victim of a steal at the exit", matches!(e, End::Stolen(_) | End::Exit(4)), e);
        if th.ok() {
            eq!("thief gets the code", th.finish(5.0), End::Exit(4));
        } else {
            eq!("or NOT_FOUND", th.first.u(2), 4);
        }
    }
}
fn cycles() {
    let n0 = fds();
    let s = pty(&["/bin/cat"]);
    for i in 0..300 {
        let mut a = Att::open(&s.id, false, Enc::new().u(4, 1));
        assert!(a.ok());
        match i % 4 {
            0 => a.detach(),
            1 => drop(a),
            2 => {
                call(62, Enc::new().s(1, &s.id));
                let e = a.finish(3.0);
                eq!("detached", e, End::Error("detached".into()));
            }
            _ => {
                a.input(b"c\n");
            }
        }
    }
    let mut a = Att::open(&s.id, false, Enc::new().u(4, 1));
    a.input(b"end\n");
    ck("works after 300 cycles", a.see(b"end\r\n", 3.0), "no");
    drop(a);
    call(64, Enc::new().s(1, &s.id).u(2, 1));
    until(3.0, || exited(&s.id));
    call(72, Enc::new());
    ck("no descriptors left behind", until(3.0, || fds() <= n0 + 2), (n0, fds()));
}
pub fn fds() -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", daemon_pid())).map(|d| d.count()).unwrap_or(0)
}
fn storm() {
    // many thieves at once: exactly one is left, every other one got one terminal frame
    let s = pty(&["/bin/cat"]);
    let hs: Vec<_> = (0..16)
        .map(|_| {
            let id = s.id.clone();
            thread::spawn(move || {
                let mut ends = vec![];
                for _ in 0..15 {
                    let mut a = Att::open(&id, false, Enc::new().u(4, 1));
                    if !a.ok() {
                        ends.push(End::Bad(format!("{:?}", a.first)));
                        continue;
                    }
                    let e = a.end(0.05);
                    if e == End::Timeout {
                        a.detach();
                    }
                    ends.push(e);
                }
                ends
            })
        })
        .collect();
    let mut bad = vec![];
    for h in hs {
        for e in h.join().unwrap() {
            if !matches!(e, End::Stolen(_) | End::Timeout) {
                bad.push(e);
            }
        }
    }
    ck("storm of steals", bad.is_empty(), &bad);
    ck("nobody is left", until(3.0, || info(&s.id, false).unwrap().u(7) == 0), "attached");
    let mut a = Att::open(&s.id, false, Enc::new());
    ck("and the slot is free", a.ok(), &a.first);
    a.input(b"fin\n");
    ck("alive", a.see(b"fin\r\n", 3.0), "no");
    call(64, Enc::new().s(1, &s.id).u(2, 1));
    // without steal: exactly one gets in
    let s = pty(&["/bin/cat"]);
    let hs: Vec<_> = (0..16)
        .map(|_| {
            let id = s.id.clone();
            thread::spawn(move || {
                let a = Att::open(&id, false, Enc::new());
                nap(300);
                (a.first.u(2), a)
            })
        })
        .collect();
    let codes: Vec<u64> = hs.into_iter().map(|h| h.join().unwrap()).map(|x| x.0).collect();
    eq!(
        "one of sixteen",
        (codes.iter().filter(|c| **c == 0).count(), codes.iter().filter(|c| **c == 10).count()),
        (1, 15)
    );
    call(64, Enc::new().s(1, &s.id).u(2, 1));
}
fn split() {
    // the attach request and the frames behind it cut at every place
    let s = pty(&["/bin/sh", "-c", "stty -echo; cat"]);
    nap(100);
    let mut b = attach_request(&s.id, false, Enc::new().u(4, 1));
    let n = b.len();
    b.extend(framed(&Enc::new().b(1, b"abc\n").0));
    b.extend(framed(&[]));
    b.extend(framed(&Enc::new().b(1, b"def\n").0));
    for cut in (1..b.len()).step_by(3).chain(n - 2..n + 3) {
        let mut c = Conn::new();
        c.send(&b[..cut]);
        nap(3);
        c.send(&b[cut..]);
        let first = c.reply();
        let mut a = Att { c, first, pipe: false, got: vec![], missed: 0, biggest: 0 };
        ck("split attach", a.ok() && a.see(b"abc\r\ndef\r\n", 3.0), (cut, &a.got));
        a.detach();
        a.end(2.0);
    }
    call(64, Enc::new().s(1, &s.id).u(2, 1));
    // attach, detach at once
    let s = pty(&["/bin/cat"]);
    for _ in 0..30 {
        let mut a = Att::open_with(&s.id, false, Enc::new(), &framed(&[0x20, 1]));
        ck("answered", a.ok(), &a.first);
        let g = a.c.recv(3.0);
        ck("attach with a detach behind: closed", matches!(g, Got::Eof), g);
        until(2.0, || info(&s.id, false).unwrap().u(7) == 0);
    }
    // oversized behind the attach
    let mut a = Att::open_with(&s.id, false, Enc::new(), &[0xff; 4]);
    ck("answered", a.ok(), &a.first);
    let g = a.c.recv(3.0);
    ck("oversize behind: closed without a frame", matches!(g, Got::Eof), g);
    call(64, Enc::new().s(1, &s.id).u(2, 1));
    // requests before the attach on the same connection
    let s = pty(&["/bin/cat"]);
    let mut c = Conn::new();
    let mut b = vec![];
    for i in 1..=5 {
        b.extend(request(i, 40, "c", None));
    }
    b.extend(attach_request(&s.id, false, Enc::new()));
    b.extend(framed(&Enc::new().b(1, b"pipelined\n").0));
    c.send(&b);
    for i in 1..=5 {
        eq!("before", c.reply().u(1), i);
    }
    let first = c.reply();
    let mut a = Att { c, first, pipe: false, got: vec![], missed: 0, biggest: 0 };
    ck("attach after requests", a.ok() && a.see(b"pipelined\r\n", 3.0), &a.got);
    call(64, Enc::new().s(1, &s.id).u(2, 1));
    // spawn and attach pipelined blind is impossible; terminate and list pipelined
    let s = pty(&["/bin/cat"]);
    let mut c = Conn::new();
    let mut b = request(1, 64, "c", Some(Enc::new().s(1, &s.id).u(2, 1)));
    b.extend(request(2, 64, "c", Some(Enc::new().s(1, &s.id).u(2, 1))));
    b.extend(request(3, 63, "c", None));
    c.send(&b);
    for i in 1..=3 {
        let r = c.reply();
        eq!("pipelined terminate", (r.u(1), r.u(2)), (i, 0));
    }
}
fn terminate_attach() {
    for p in [false, true] {
        for i in 0..40u64 {
            let s = if p {
                pipe(&["/bin/sh", "-c", "trap 'echo bye; exit 6' TERM; while :; do sleep 0.02; done"])
            } else {
                pty(&["/bin/sh", "-c", "trap 'echo bye; exit 6' TERM; while :; do sleep 0.02; done"])
            };
            nap(60);
            let id = s.id.clone();
            let h = thread::spawn(move || {
                thread::sleep(std::time::Duration::from_micros(i * 200 % 3000));
                call(if p { 69 } else { 64 }, Enc::new().s(1, &id).u(2, 3000)).u(2)
            });
            let mut a = Att::open(&s.id, p, kind(p));
            if a.ok() {
                let e = a.finish(6.0);
                let mut all = a.backlog();
                all.extend(&a.got);
                ck(
                    "terminate against attach",
                    matches!(e, End::Exit(6)) && has(&all, b"bye"),
                    (p, i, &e, String::from_utf8_lossy(&all)),
                );
            } else {
                eq!("refused", a.first.u(2), 4);
            }
            eq!("terminate ok", h.join().unwrap(), 0);
        }
    }
}
fn big_sharing() {
    // floods while attach/detach: no byte twice, none lost without being counted (numbers the stream)
    let s =
        pty(&["/bin/sh", "-c", "stty raw -echo; i=0; while [ $i -lt 20000 ]; do echo $i; i=$((i+1)); done; sleep 1"]);
    let mut all = vec![];
    let mut first_missed = 0;
    let mut rounds = 0;
    loop {
        let mut a = Att::open(&s.id, false, Enc::new());
        if !a.ok() {
            if a.first.u(2) == 10 {
                nap(1);
                continue;
            }
            break;
        }
        rounds += 1;
        let bl = a.backlog();
        first_missed = a.missed_at_attach();
        // live bytes of the previous attachment come again (3.1): what counts is the concatenation of the backlogs
        all.extend(&bl);
        if a.end(0.01) != End::Timeout {
            all.extend(&a.got);
            break;
        }
        drop(a);
    }
    let b = backlog(&s.id, 0).b(1);
    if !all.ends_with(&b) {
        all.extend(&b);
    }
    let t = String::from_utf8_lossy(&all).into_owned();
    let nums: Vec<u32> = t.lines().filter_map(|x| x.parse().ok()).collect();
    let ok = nums.windows(2).all(|w| w[1] == w[0] + 1);
    let at = nums.windows(2).position(|w| w[1] != w[0] + 1);
    ck(
        "G15 backlogs join without gap or repeat",
        ok && nums.first() == Some(&0) && nums.len() == 20000 && first_missed == 0,
        (rounds, nums.len(), first_missed, at.map(|i| nums[i.saturating_sub(2)..(i + 3).min(nums.len())].to_vec())),
    );
    note("rounds", rounds);
    call(64, Enc::new().s(1, &s.id).u(2, 1));
}
/// A session that is being ended must not touch the next one, which may have got its terminal's number.
fn signal_loop() {
    for i in 0..15 {
        let s = pty(&["/bin/sh", "-c", "sleep 0.1; kill -9 $$"]);
        let mut a = Att::open(&s.id, false, Enc::new());
        let e = a.finish(5.0);
        ck("signal death while attached", e == End::Exit(-9), (i, &e));
    }
}
fn int_loop() {
    for (n, script) in [
        ("raw", "stty raw -echo -isig; trap 'echo INTRAW' INT; echo up; while :; do sleep 0.05; done"),
        ("cooked", "trap 'echo INTRAW' INT; echo up; while :; do sleep 0.05; done"),
        ("quiet", "trap 'echo INTRAW' INT; echo up; read x; sleep 1"),
    ] {
        let mut bad = 0;
        for i in 0..15u64 {
            let s = pty(&["/bin/sh", "-c", script]);
            let mut a = Att::open(&s.id, false, Enc::new());
            if !has(&a.backlog(), b"up") {
                a.see(b"up", 3.0);
            }
            nap(i % 7 * 9);
            a.c.send(&framed(&[0x18, 1]));
            if !a.see(b"INTRAW", 1.5) {
                bad += 1;
            }
            call(64, Enc::new().s(1, &s.id).u(2, 1));
        }
        ck("interrupts", bad == 0, (n, bad));
    }
}
