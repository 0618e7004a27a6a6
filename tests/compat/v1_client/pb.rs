//! Protobuf wire primitives, from the encoding rules alone.
#[derive(Clone, Default)]
pub struct Enc(pub Vec<u8>);
pub fn varint(out: &mut Vec<u8>, mut v: u64) {
    while v >= 0x80 {
        out.push(v as u8 | 0x80);
        v >>= 7;
    }
    out.push(v as u8);
}
impl Enc {
    pub fn new() -> Self {
        Enc(Vec::new())
    }
    fn key(&mut self, n: u32, w: u32) {
        varint(&mut self.0, ((n << 3) | w) as u64);
    }
    pub fn u(mut self, n: u32, v: u64) -> Self {
        self.key(n, 0);
        varint(&mut self.0, v);
        self
    }
    pub fn b(mut self, n: u32, v: &[u8]) -> Self {
        self.key(n, 2);
        varint(&mut self.0, v.len() as u64);
        self.0.extend_from_slice(v);
        self
    }
    pub fn s(self, n: u32, v: &str) -> Self {
        self.b(n, v.as_bytes())
    }
    pub fn m(self, n: u32, v: Enc) -> Self {
        self.b(n, &v.0)
    }
    pub fn d(mut self, n: u32, v: f64) -> Self {
        self.key(n, 1);
        self.0.extend_from_slice(&v.to_le_bytes());
        self
    }
    pub fn raw(mut self, v: &[u8]) -> Self {
        self.0.extend_from_slice(v);
        self
    }
    pub fn ss(mut self, n: u32, v: &[&str]) -> Self {
        for x in v {
            self = self.s(n, x);
        }
        self
    }
}
#[derive(Clone, Debug, PartialEq)]
pub enum Val {
    V(u64),
    F(u64),
    L(Vec<u8>),
    W(u32),
}
#[derive(Clone, Debug, Default)]
pub struct Msg(pub Vec<(u32, Val)>);
fn rd(b: &[u8], p: &mut usize) -> Option<u64> {
    let (mut r, mut s) = (0u64, 0);
    loop {
        let c = *b.get(*p)?;
        *p += 1;
        if s > 63 {
            return None;
        }
        r |= ((c & 0x7f) as u64) << s;
        s += 7;
        if c < 0x80 {
            return Some(r);
        }
    }
}
impl Msg {
    pub fn parse(b: &[u8]) -> Option<Msg> {
        let mut p = 0;
        let mut out = Vec::new();
        while p < b.len() {
            let k = rd(b, &mut p)?;
            let n = (k >> 3) as u32;
            if n == 0 {
                return None;
            }
            let v = match k & 7 {
                0 => Val::V(rd(b, &mut p)?),
                1 => {
                    let x = b.get(p..p + 8)?;
                    p += 8;
                    Val::F(u64::from_le_bytes(x.try_into().ok()?))
                }
                2 => {
                    let l = rd(b, &mut p)? as usize;
                    let x = b.get(p..p.checked_add(l)?)?;
                    p += l;
                    Val::L(x.to_vec())
                }
                5 => {
                    let x = b.get(p..p + 4)?;
                    p += 4;
                    Val::W(u32::from_le_bytes(x.try_into().ok()?))
                }
                _ => return None,
            };
            out.push((n, v));
        }
        Some(Msg(out))
    }
    pub fn has(&self, n: u32) -> bool {
        self.0.iter().any(|x| x.0 == n)
    }
    pub fn u(&self, n: u32) -> u64 {
        self.0
            .iter()
            .rev()
            .find_map(|x| match (&x.1, x.0 == n) {
                (Val::V(v), true) => Some(*v),
                _ => None,
            })
            .unwrap_or(0)
    }
    pub fn i(&self, n: u32) -> i64 {
        self.u(n) as i64
    }
    pub fn d(&self, n: u32) -> f64 {
        self.0
            .iter()
            .rev()
            .find_map(|x| match (&x.1, x.0 == n) {
                (Val::F(v), true) => Some(f64::from_bits(*v)),
                _ => None,
            })
            .unwrap_or(0.0)
    }
    pub fn b(&self, n: u32) -> Vec<u8> {
        self.0
            .iter()
            .rev()
            .find_map(|x| match (&x.1, x.0 == n) {
                (Val::L(v), true) => Some(v.clone()),
                _ => None,
            })
            .unwrap_or_default()
    }
    pub fn s(&self, n: u32) -> String {
        String::from_utf8_lossy(&self.b(n)).into_owned()
    }
    pub fn m(&self, n: u32) -> Msg {
        Msg::parse(&self.b(n)).expect("sub-message parses")
    }
    pub fn all(&self, n: u32) -> Vec<Msg> {
        self.0
            .iter()
            .filter_map(|x| match (&x.1, x.0 == n) {
                (Val::L(v), true) => Msg::parse(v),
                _ => None,
            })
            .collect()
    }
    pub fn nums(&self) -> Vec<u32> {
        self.0.iter().map(|x| x.0).collect()
    }
}
