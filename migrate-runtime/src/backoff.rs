//! Pauses between tries: growing, bounded, and never the same for two replicas that started together.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::time::Duration;

/// Doubles from `first` to `most`, each pause drawn from the upper half of its range.
pub(crate) struct Backoff {
    next: Duration,
    most: Duration,
}

impl Backoff {
    pub fn new(first: Duration, most: Duration) -> Self {
        Self { next: first, most }
    }

    pub fn pause(&mut self) -> Duration {
        let pause = self.next;
        self.next = (self.next * 2).min(self.most);
        pause.mul_f64(0.5 + random() / 2.0)
    }
}

/// From 0 up to 1. The standard library's hash seeds are random; a crate for it would be one more in every application.
fn random() -> f64 {
    (RandomState::new().build_hasher().finish() >> 11) as f64 / (1_u64 << 53) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grows_to_its_bound_and_differs() {
        let mut backoff = Backoff::new(Duration::from_millis(10), Duration::from_millis(40));
        let pauses: Vec<_> = (0..20).map(|_| backoff.pause()).collect();
        assert!(pauses[0] >= Duration::from_millis(5) && pauses[0] <= Duration::from_millis(10));
        assert!(
            pauses[2..].iter().all(|p| *p >= Duration::from_millis(20) && *p <= Duration::from_millis(40))
        );
        assert!(pauses[2..].windows(2).any(|pair| pair[0] != pair[1]));
    }
}
