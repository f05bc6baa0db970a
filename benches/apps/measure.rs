// What each application says about itself at its end: microseconds of work and its peak of resident memory in KiB.

type Outcome = Result<(), Box<dyn std::error::Error>>;

/// Runs what the argument asks for, on the database of `DATABASE_URL`.
fn measured(apply: impl FnOnce(&str) -> Outcome, roll_back: impl FnOnce(&str) -> Outcome) -> Outcome {
    let url = std::env::var("DATABASE_URL")?;
    let started = std::time::Instant::now();
    match std::env::args().nth(1).as_deref() {
        Some("apply") => apply(&url)?,
        Some("roll-back") => roll_back(&url)?,
        _ => return Err("usage: apply | roll-back".into()),
    }
    let elapsed = started.elapsed().as_micros();
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let peak = status.split('\n').find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB"));
    println!("{elapsed} {}", peak.unwrap_or("0").trim());
    Ok(())
}
