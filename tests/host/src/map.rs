//! Headers or trailers: pairs in their order, and the form that the ABI gives them.

/// Pairs of a name, which is lower case, and a value, which may be any bytes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Map(Vec<(Vec<u8>, Vec<u8>)>);

impl Map {
    /// The value of a name. Of several, the first: this is what Envoy's `proxy_get_header_map_value` answers.
    pub fn get(&self, name: &str) -> Option<&[u8]> {
        let name = name.to_ascii_lowercase();
        self.0.iter().find(|(known, _)| *known == name.as_bytes()).map(|(_, value)| value.as_slice())
    }

    /// The value of a name as text.
    pub fn text(&self, name: &str) -> Option<String> {
        self.get(name).map(|value| String::from_utf8_lossy(value).into_owned())
    }

    /// Adds a pair behind those that are there.
    pub fn add(&mut self, name: &[u8], value: &[u8]) {
        self.0.push((name.to_ascii_lowercase(), value.to_vec()));
    }

    /// Sets a name, in place of all pairs of that name.
    pub fn set(&mut self, name: &[u8], value: &[u8]) {
        let name = name.to_ascii_lowercase();
        match self.0.iter().position(|(known, _)| *known == name) {
            Some(first) => {
                let mut at = 0;
                self.0.retain(|(known, _)| {
                    at += 1;
                    *known != name || at == first + 1
                });
                if let Some(pair) = self.0.get_mut(first) {
                    pair.1 = value.to_vec();
                }
            }
            None => self.0.push((name, value.to_vec())),
        }
    }

    /// Removes all pairs of a name.
    pub fn remove(&mut self, name: &[u8]) {
        let name = name.to_ascii_lowercase();
        self.0.retain(|(known, _)| *known != name);
    }

    /// The pairs, in order.
    pub fn pairs(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.0.iter().map(|(name, value)| (name.as_slice(), value.as_slice()))
    }

    /// How many pairs there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// As the ABI sends pairs: a count, the sizes of all names and values, then each of them with a zero byte behind it.
    pub(crate) fn written(&self) -> Vec<u8> {
        let mut out = Vec::new();
        let number = |out: &mut Vec<u8>, number: usize| out.extend_from_slice(&(number as u32).to_le_bytes());
        number(&mut out, self.0.len());
        for (name, value) in &self.0 {
            number(&mut out, name.len());
            number(&mut out, value.len());
        }
        for text in self.0.iter().flat_map(|(name, value)| [name, value]) {
            out.extend_from_slice(text);
            out.push(0);
        }
        out
    }

    /// Reads that form; None is a form that a gateway would refuse.
    pub(crate) fn read(bytes: &[u8]) -> Option<Map> {
        if bytes.is_empty() {
            return Some(Map::default());
        }
        let number = |at: usize| Some(u32::from_le_bytes(*bytes.get(at..)?.first_chunk::<4>()?) as usize);
        let count = number(0)?;
        let mut at = count.checked_mul(8)?.checked_add(4)?;
        let mut map = Map::default();
        for pair in 0..count {
            let mut text = |size: usize| {
                let text = bytes.get(at..at.checked_add(size)?)?;
                at += size;
                (bytes.get(at) == Some(&0)).then(|| at += 1)?;
                Some(text)
            };
            let name = text(number(4 + pair * 8)?)?;
            let value = text(number(8 + pair * 8)?)?;
            map.add(name, value);
        }
        Some(map)
    }
}

impl<N: AsRef<[u8]>, V: AsRef<[u8]>> FromIterator<(N, V)> for Map {
    fn from_iter<I: IntoIterator<Item = (N, V)>>(pairs: I) -> Map {
        let mut map = Map::default();
        for (name, value) in pairs {
            map.add(name.as_ref(), value.as_ref());
        }
        map
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pairs_come_back_as_they_were_written() {
        let map: Map = [("a", "1"), ("b", ""), ("A", "2")].into_iter().collect();
        assert_eq!(Map::read(&map.written()), Some(map.clone()));
        assert_eq!(map.get("A"), Some(b"1".as_slice()));
        let written = map.written();
        assert!((1..written.len()).all(|end| written.get(..end).is_some_and(|cut| Map::read(cut).is_none())));
    }

    #[test]
    fn setting_leaves_one_pair_in_the_first_ones_place() {
        let mut map: Map = [("a", "1"), ("b", "2"), ("a", "3")].into_iter().collect();
        map.set(b"A", b"4");
        assert_eq!(map, [("a", "4"), ("b", "2")].into_iter().collect());
        map.remove(b"a");
        map.set(b"c", b"5");
        assert_eq!(map, [("b", "2"), ("c", "5")].into_iter().collect());
    }
}
