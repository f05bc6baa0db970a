//! What the numbers were measured on: without it they say nothing.

use std::fs;
use std::process::Command;

use crate::arguments::Arguments;

pub fn print(arguments: &Arguments, server: &str) {
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo.split('\n').find_map(|line| line.strip_prefix("model name")?.split_once(':'));
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
    let load = load.split(' ').next().unwrap_or_default();
    let file_system = output("stat", &["-f", "-c", "%T", &arguments.data.to_string_lossy()]);
    println!("- {}, {cores} cores, load {load}", model.map_or("?", |(_, name)| name.trim()));
    println!("- {server}, its data on {file_system}, fsync {}", if arguments.fsync { "on" } else { "off" });
    println!(
        "- {}, {} runs of each timing, interleaved; medians",
        output("rustc", &["--version"]),
        arguments.runs
    );
    println!("- {}", output("date", &["-u", "+%Y-%m-%d %H:%M UTC"]));
}

fn output(program: &str, arguments: &[&str]) -> String {
    let output = Command::new(program).args(arguments).output();
    output.map_or_else(|_| "?".to_owned(), |output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
}
