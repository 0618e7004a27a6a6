//! Framing, calls, attachments.
use crate::pb::*;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::time::{Duration, Instant};
pub static mut SOCKET: String = String::new();
pub static mut SCRATCH: String = String::new();
pub static mut DAEMON: u32 = 0;
pub fn socket() -> String {
    unsafe { (*std::ptr::addr_of!(SOCKET)).clone() }
}
/// A path in the directory that the caller gave for files.
pub fn scratch(name: &str) -> String {
    unsafe { format!("{}/{name}", *std::ptr::addr_of!(SCRATCH)) }
}
pub fn daemon_pid() -> u32 {
    unsafe { DAEMON }
}
pub fn framed(p: &[u8]) -> Vec<u8> {
    let mut v = (p.len() as u32).to_be_bytes().to_vec();
    v.extend_from_slice(p);
    v
}
pub fn request(id: u64, ty: u64, name: &str, payload: Option<Enc>) -> Vec<u8> {
    let mut e = Enc::new().u(1, id).u(2, ty).u(3, 1).s(4, name);
    if let Some(p) = payload {
        e = e.m(ty as u32, p);
    }
    framed(&e.0)
}
#[derive(Debug)]
#[allow(dead_code)] // what is inside is only shown
pub enum Got {
    Frame(Vec<u8>),
    Eof,
    PartialEof(usize),
    Timeout,
    Err(std::io::Error),
}
pub struct Conn {
    pub s: UnixStream,
    buf: Vec<u8>,
    pub raw_last: Vec<u8>,
    pub next: u64,
}
impl Conn {
    pub fn new() -> Conn {
        let s = UnixStream::connect(socket()).expect("connect");
        Conn { s, buf: vec![], raw_last: vec![], next: 0 }
    }
    pub fn send(&mut self, b: &[u8]) {
        self.try_send(b).expect("send");
    }
    pub fn try_send(&mut self, b: &[u8]) -> std::io::Result<()> {
        self.s.write_all(b)
    }
    pub fn recv(&mut self, t: f64) -> Got {
        let end = Instant::now() + Duration::from_secs_f64(t);
        loop {
            if self.buf.len() >= 4 {
                let n = u32::from_be_bytes(self.buf[..4].try_into().unwrap()) as usize;
                assert!(n <= 16 << 20, "response of {n} bytes is above the client's cap");
                if self.buf.len() >= 4 + n {
                    let f = self.buf[4..4 + n].to_vec();
                    self.raw_last = self.buf[..4 + n].to_vec();
                    self.buf.drain(..4 + n);
                    return Got::Frame(f);
                }
            }
            let left = end.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Got::Timeout;
            }
            self.s.set_read_timeout(Some(left.max(Duration::from_millis(1)))).unwrap();
            let mut c = [0u8; 1 << 17];
            match self.s.read(&mut c) {
                Ok(0) => return if self.buf.is_empty() { Got::Eof } else { Got::PartialEof(self.buf.len()) },
                Ok(n) => self.buf.extend_from_slice(&c[..n]),
                Err(e) if matches!(e.kind(), std::io::ErrorKind::WouldBlock | std::io::ErrorKind::TimedOut) => {}
                Err(e) if e.kind() == std::io::ErrorKind::Interrupted => {}
                Err(e) => return Got::Err(e),
            }
        }
    }
    pub fn reply(&mut self) -> Msg {
        match self.recv(30.0) {
            Got::Frame(f) => Msg::parse(&f).expect("response parses"),
            o => panic!("no response: {o:?}"),
        }
    }
    pub fn call(&mut self, ty: u64, p: Enc) -> Msg {
        self.call_as(ty, "cli", Some(p))
    }
    pub fn call_as(&mut self, ty: u64, name: &str, p: Option<Enc>) -> Msg {
        self.next += 1;
        let id = self.next;
        self.send(&request(id, ty, name, p));
        let r = self.reply();
        assert_eq!(r.u(1), id, "response id of a call of type {ty}: {r:?}");
        r
    }
}
pub fn call(ty: u64, p: Enc) -> Msg {
    Conn::new().call(ty, p)
}
/// code, message, payload presence of an answer
pub fn code(r: &Msg) -> u64 {
    r.u(2)
}
pub struct Spawned {
    pub id: String,
    pub pid: u32,
}
pub fn pty(argv: &[&str]) -> Spawned {
    pty_with(argv, Enc::new())
}
pub fn pty_with(argv: &[&str], more: Enc) -> Spawned {
    let r = call(60, Enc::new().ss(1, argv).raw(&more.0));
    assert_eq!(code(&r), 0, "spawn: {r:?} {}", r.s(3));
    let m = r.m(60);
    Spawned { id: m.s(1), pid: m.u(2) as u32 }
}
pub fn pipe(argv: &[&str]) -> Spawned {
    pipe_with(argv, Enc::new())
}
pub fn pipe_with(argv: &[&str], more: Enc) -> Spawned {
    let r = call(65, Enc::new().ss(1, argv).raw(&more.0));
    assert_eq!(code(&r), 0, "spawn: {r:?} {}", r.s(3));
    let m = r.m(65);
    Spawned { id: m.s(1), pid: m.u(2) as u32 }
}
pub fn info(id: &str, pipe: bool) -> Option<Msg> {
    let ty = if pipe { 68 } else { 63 };
    call(ty, Enc::new()).m(ty as u32).all(1).into_iter().find(|m| m.s(1) == id)
}
pub fn backlog(id: &str, stream: u64) -> Msg {
    let r = call(71, Enc::new().s(1, id).u(2, stream));
    assert_eq!(code(&r), 0, "{r:?}");
    r.m(71)
}
pub fn exited(id: &str) -> bool {
    backlog(id, 1).u(4) == 1
}
pub fn until(secs: f64, mut f: impl FnMut() -> bool) -> bool {
    let end = Instant::now() + Duration::from_secs_f64(secs);
    loop {
        if f() {
            return true;
        }
        if Instant::now() > end {
            return false;
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}
pub fn nap(ms: u64) {
    std::thread::sleep(Duration::from_millis(ms));
}
pub fn alive(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .map(|s| !s.rsplit(')').next().unwrap().trim_start().starts_with('Z'))
        .unwrap_or(false)
}
#[derive(Debug, PartialEq, Clone)]
pub enum End {
    Exit(i64),
    Error(String),
    Stolen(String),
    Eof,
    Closed,
    Timeout,
    Bad(String),
}
pub struct Att {
    pub c: Conn,
    pub first: Msg,
    pub pipe: bool,
    pub got: Vec<u8>,
    pub missed: u64,
    pub biggest: usize,
}
pub fn attach_request(id: &str, pipe: bool, more: Enc) -> Vec<u8> {
    if pipe {
        request(1, 66, "running-process-client", Some(Enc::new().s(1, id).raw(&more.0)))
    } else {
        request(1, 61, "running-process-client", Some(Enc::new().s(1, id).raw(&more.0)))
    }
}
impl Att {
    pub fn open(id: &str, pipe: bool, more: Enc) -> Att {
        Att::open_with(id, pipe, more, &[])
    }
    pub fn open_with(id: &str, pipe: bool, more: Enc, behind: &[u8]) -> Att {
        let mut c = Conn::new();
        let mut b = attach_request(id, pipe, more);
        b.extend_from_slice(behind);
        c.send(&b);
        let first = c.reply();
        Att { c, first, pipe, got: vec![], missed: 0, biggest: 0 }
    }
    pub fn ok(&self) -> bool {
        code(&self.first) == 0
    }
    pub fn payload(&self) -> Msg {
        self.first.m(if self.pipe { 66 } else { 61 })
    }
    pub fn backlog(&self) -> Vec<u8> {
        self.payload().b(if self.pipe { 1 } else { 2 })
    }
    pub fn missed_at_attach(&self) -> u64 {
        self.payload().u(if self.pipe { 3 } else { 4 })
    }
    pub fn truncated(&self) -> u64 {
        self.payload().u(if self.pipe { 2 } else { 3 })
    }
    /// One frame: None if it was output or missed_bytes (recorded), Some(end) otherwise.
    pub fn step(&mut self, t: f64) -> Option<End> {
        let f = match self.c.recv(t) {
            Got::Frame(f) => f,
            Got::Eof => return Some(End::Closed),
            Got::Timeout => return Some(End::Timeout),
            o => return Some(End::Bad(format!("{o:?}"))),
        };
        let m = match Msg::parse(&f) {
            Some(m) => m,
            None => return Some(End::Bad("undecodable frame".into())),
        };
        if m.0.len() != 1 {
            return Some(End::Bad(format!("frame with {} fields: {:?}", m.0.len(), m.nums())));
        }
        let n = m.0[0].0;
        let n = if self.pipe {
            n
        } else {
            match n {
                1 => 1,
                2 => 3,
                3 => 4,
                4 => 5,
                5 => 6,
                _ => 99,
            }
        };
        match (n, &m.0[0].1) {
            (1, Val::L(b)) => {
                self.biggest = self.biggest.max(b.len());
                self.got.extend_from_slice(b);
                None
            }
            (2, Val::V(1)) => Some(End::Eof),
            (3, Val::V(v)) => Some(End::Exit(*v as i64)),
            (4, Val::V(v)) => {
                self.missed += v;
                None
            }
            (5, Val::L(b)) => Some(End::Error(String::from_utf8_lossy(b).into())),
            (6, Val::L(b)) => Some(End::Stolen(String::from_utf8_lossy(b).into())),
            o => Some(End::Bad(format!("{o:?}"))),
        }
    }
    pub fn end(&mut self, t: f64) -> End {
        let end = Instant::now() + Duration::from_secs_f64(t);
        loop {
            let left = end.saturating_duration_since(Instant::now()).as_secs_f64();
            if let Some(e) = self.step(left) {
                return e;
            }
        }
    }
    /// The terminal frame, after which the connection must be closed with nothing more.
    pub fn finish(&mut self, t: f64) -> End {
        let e = self.end(t);
        if matches!(e, End::Closed | End::Timeout | End::Bad(_)) {
            return e;
        }
        match self.c.recv(3.0) {
            Got::Eof => e,
            o => End::Bad(format!("after {e:?} came {o:?}")),
        }
    }
    pub fn see(&mut self, what: &[u8], t: f64) -> bool {
        let end = Instant::now() + Duration::from_secs_f64(t);
        loop {
            if self.got.windows(what.len()).any(|w| w == what) {
                return true;
            }
            let left = end.saturating_duration_since(Instant::now()).as_secs_f64();
            if self.step(left).is_some() {
                return self.got.windows(what.len()).any(|w| w == what);
            }
        }
    }
    pub fn input(&mut self, b: &[u8]) {
        let f = framed(&Enc::new().b(1, b).0);
        self.c.send(&f);
    }
    pub fn resize(&mut self, r: u64, c: u64) {
        let f = framed(&Enc::new().m(2, Enc::new().u(1, r).u(2, c)).0);
        self.c.send(&f);
    }
    pub fn detach(&mut self) {
        self.c.send(&framed(&[0x20, 1]));
    }
}
pub fn has(h: &[u8], n: &[u8]) -> bool {
    h.windows(n.len()).any(|w| w == n)
}
