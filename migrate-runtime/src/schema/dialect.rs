//! What differs between servers, filled into SQL.

/// The server that is asked, and what it lets us see.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Dialect {
    /// 14 to 18.
    pub major: u32,
    /// `pg_subscription.subconninfo` may be read.
    pub reads_connections: bool,
}

impl Dialect {
    /// Keeps, of each `{>=15} this {else} that {end}`, what the server understands. They nest.
    pub fn expand(self, sql: &str) -> String {
        let mut out = String::with_capacity(sql.len());
        // For each condition that is open: whether it holds, and whether we are behind its `{else}`.
        let mut open: Vec<(bool, bool)> = Vec::new();
        let mut rest = sql;
        while let Some(at) = rest.find('{') {
            let kept = open.iter().all(|(holds, otherwise)| holds != otherwise);
            if kept {
                out.push_str(&rest[..at]);
            }
            rest = &rest[at..];
            let end = rest.find('}').map_or(rest.len(), |end| end + 1);
            let (token, after) = rest.split_at(end);
            if let Some(least) = token.strip_prefix("{>=") {
                let least = least.trim_end_matches('}').parse().unwrap_or(u32::MAX);
                open.push((self.major >= least, false));
            } else if token == "{else}" {
                if let Some(last) = open.last_mut() {
                    last.1 = true;
                }
            } else if token == "{end}" {
                open.pop();
            } else if kept {
                out.push_str(token);
            }
            rest = after;
        }
        out.push_str(rest);
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_gets_what_it_understands() {
        let sql = "a {>=17} b {else} {>=15} c {else} d {end} {end} {in} e{>=18} f{end}";
        let words = |major| {
            let sql = Dialect { major, reads_connections: true }.expand(sql);
            sql.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(words(14), "a d {in} e");
        assert_eq!(words(15), "a c {in} e");
        assert_eq!(words(17), "a b {in} e");
        assert_eq!(words(18), "a b {in} e f");
    }
}
