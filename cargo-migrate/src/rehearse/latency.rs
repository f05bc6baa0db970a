//! How long many things took, in little memory: counted in classes of 5 %, as a histogram.

use std::time::Duration;

/// Each class is so much longer than the one before.
const STEP: f64 = 1.05;
/// From 1 µs on; the last class begins at more than a day.
const CLASSES: usize = 520;

/// How long many things took.
#[derive(Clone, Debug)]
pub(crate) struct Latency {
    classes: Vec<u64>,
    count: u64,
    max: Duration,
}

impl Default for Latency {
    fn default() -> Self {
        Self { classes: vec![0; CLASSES], count: 0, max: Duration::ZERO }
    }
}

impl Latency {
    pub(super) fn add(&mut self, took: Duration) {
        let micros = took.as_secs_f64() * 1e6;
        let class = if micros <= 1.0 { 0 } else { (micros.ln() / STEP.ln()).ceil() as usize };
        self.classes[class.min(CLASSES - 1)] += 1;
        self.count += 1;
        self.max = self.max.max(took);
    }

    pub(super) fn merge(&mut self, other: &Self) {
        self.classes.iter_mut().zip(&other.classes).for_each(|(own, other)| *own += other);
        self.count += other.count;
        self.max = self.max.max(other.max);
    }

    /// How many.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// The longest.
    pub(crate) fn max(&self) -> Duration {
        self.max
    }

    /// So many percent took at most this long, to 5 %; `None` of nothing.
    pub(crate) fn percentile(&self, percent: u64) -> Option<Duration> {
        let wanted = (self.count * percent).div_ceil(100).max(1);
        let mut seen = 0;
        let class = self.classes.iter().position(|count| {
            seen += count;
            seen >= wanted
        })?;
        let upper = Duration::from_secs_f64(STEP.powi(i32::try_from(class).unwrap_or(i32::MAX)) / 1e6);
        Some(upper.min(self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_right_to_five_percent() {
        let mut latency = Latency::default();
        assert_eq!((latency.percentile(50), latency.count()), (None, 0));
        for millis in 1..=1000 {
            latency.add(Duration::from_millis(millis));
        }
        for (percent, right) in [(50, 500.0), (95, 950.0), (100, 1000.0)] {
            let found = latency.percentile(percent).unwrap().as_secs_f64() * 1e3;
            assert!((found / right - 1.0).abs() < 0.051, "{percent}: {found}");
        }
        let mut both = Latency::default();
        both.add(Duration::from_secs(1_000_000));
        both.add(Duration::ZERO);
        both.merge(&latency);
        assert_eq!((both.count(), both.max()), (1002, Duration::from_secs(1_000_000)));
    }
}
