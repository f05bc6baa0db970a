//! Running pg_dump and its like: its words are read while it runs, and it ends when we do, whether we are asked to stop or
//! are killed.

use std::collections::VecDeque;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::os::unix::process::{CommandExt, ExitStatusExt};
use std::path::Path;
use std::process::{Child, ChildStdin, Command, ExitStatus, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use migrate_core::sql::mask_text;
use migrate_runtime::{Database, Error as EngineError, Interrupt};
use rustix::process::{Pid, Signal, kill_process_group};

/// How often it is looked whether the program has ended, where it does not show.
const TICK: Duration = Duration::from_millis(50);

/// The same at first, for many are quick.
const FIRST_TICK: Duration = Duration::from_millis(2);

/// How long a program that was asked to end may take: pg_dump cancels what its workers do first.
const PATIENCE: Duration = Duration::from_secs(5);

/// How much of what it said is kept: the end, which is what a person needs.
const KEPT: usize = 40;

/// What is given to a program's standard input.
pub(crate) type Source<'a> = Box<dyn Read + Send + 'a>;

/// What reads a program's standard output to its end.
pub(crate) type Sink<'a> = Box<dyn FnOnce(&mut dyn BufRead) -> io::Result<()> + Send + 'a>;

/// What hears each line of a program's standard error. `false` keeps the line out of what is told of a failure.
pub(crate) type Listener<'a> = Box<dyn FnMut(&str) -> bool + Send + 'a>;

/// What is done beside it while it runs. An error ends it.
pub(crate) type Tick<'a> = Box<dyn FnMut() -> anyhow::Result<()> + 'a>;

/// What goes in and out of a program while it runs.
#[derive(Default)]
pub(crate) struct Streams<'a> {
    pub(crate) input: Option<Source<'a>>,
    pub(crate) output: Option<Sink<'a>>,
    pub(crate) listener: Option<Listener<'a>>,
    /// Called about twenty times a second, on the calling thread.
    pub(crate) tick: Option<Tick<'a>>,
}

/// How a program ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// The end of what it said on its standard error, secrets masked.
    pub(crate) said: String,
}

impl Ended {
    /// In words, for an error: `exit status 1: pg_dump: error: …`.
    pub(crate) fn why(&self) -> String {
        let how = match (self.status.code(), self.status.signal()) {
            (Some(code), _) => format!("it ended with exit status {code}"),
            (None, Some(signal)) => format!("it was ended by signal {signal}"),
            (None, None) => "it ended".to_owned(),
        };
        if self.said.is_empty() { how } else { format!("{how}:\n{}", self.said) }
    }
}

/// A command for one of PostgreSQL's programs: English, and with nothing of our environment that would lead it elsewhere
/// than `database` says.
pub(crate) fn command(program: &Path, database: &Database) -> Command {
    let mut command = Command::new(program);
    let keep = ["PATH", "HOME", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH", "TMPDIR"];
    command.env_clear().envs(keep.iter().filter_map(|name| Some((name, std::env::var_os(name)?))));
    command.env("LC_ALL", "C").envs(database.variables());
    command
}

/// Runs a command to its end.
///
/// # Errors
///
/// [`EngineError::Interrupted`], after the program was ended; what `tick` returns, likewise; where it cannot be started, or
/// its output not be read. That it failed is no error here.
pub(crate) fn run(
    mut command: Command,
    streams: Streams<'_>,
    interrupt: &Interrupt,
) -> anyhow::Result<Ended> {
    let Streams { input, output, mut listener, mut tick } = streams;
    let piped = |wanted: bool| if wanted { Stdio::piped() } else { Stdio::null() };
    command.stdin(piped(input.is_some())).stdout(piped(output.is_some())).stderr(Stdio::piped());
    // It joins the guardian's group: a Ctrl-C at the terminal is ours to answer, its workers end with it, and there is no
    // moment in which it runs and nobody watches.
    let mut guardian = Guardian::start();
    command.process_group(guardian.group());
    let program = command.get_program().to_string_lossy().into_owned();
    let failed = |why: io::Error| crate::Problem::Program { program: program.clone(), why: why.to_string() };
    let mut child = Group::start(&mut command, guardian.group()).map_err(failed)?;
    let (stdin, stdout, stderr) =
        (child.child.stdin.take(), child.child.stdout.take(), child.child.stderr.take());
    thread::scope(|scope| {
        if let (Some(mut source), Some(mut stdin)) = (input, stdin) {
            scope.spawn(move || {
                // A program that ends early says why itself.
                let _ = io::copy(&mut source, &mut stdin);
            });
        }
        let sink = output.zip(stdout).map(|(sink, stdout)| {
            scope.spawn(move || sink(&mut BufReader::with_capacity(256 * 1024, stdout)))
        });
        let waiting = thread::current();
        let words = scope.spawn(move || {
            let mut said = VecDeque::new();
            let Some(stderr) = stderr else { return said };
            let mut lines = BufReader::new(stderr);
            let mut line = Vec::new();
            while matches!(lines.read_until(b'\n', &mut line), Ok(1..)) {
                let text = String::from_utf8_lossy(&line).trim_end().to_owned();
                line.clear();
                if listener.as_mut().is_none_or(|listener| listener(&text)) {
                    said.push_back(text);
                }
                if said.len() > KEPT {
                    said.pop_front();
                }
            }
            // It ends about now.
            waiting.unpark();
            said
        });
        let status = child.wait(interrupt, &mut tick);
        guardian.dismiss();
        let sunk = sink.map(thread::ScopedJoinHandle::join);
        let said = words.join().unwrap_or_default().make_contiguous().join("\n");
        let status = status?;
        // Where the program failed, what it said is why its output could not be read.
        if let Some(Ok(Err(error))) = sunk
            && status.success()
        {
            return Err(failed(error).into());
        }
        Ok(Ended { status, said: mask_text(said.trim()).into_owned() })
    })
}

/// A program and whatever it starts. Dropped, it is ended.
struct Group {
    child: Child,
    /// The process number of its leader.
    leader: Option<Pid>,
}

impl Group {
    /// `group` is the one that the command joins, 0 where it leads its own.
    fn start(command: &mut Command, group: i32) -> io::Result<Self> {
        let child = command.spawn()?;
        let leader = match group {
            0 => i32::try_from(child.id()).ok().and_then(Pid::from_raw),
            group => Pid::from_raw(group),
        };
        Ok(Self { child, leader })
    }

    /// Waits for its end, or ends it where we are to stop.
    fn wait(&mut self, interrupt: &Interrupt, tick: &mut Option<Tick<'_>>) -> anyhow::Result<ExitStatus> {
        let mut pause = FIRST_TICK;
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            let stopped = match interrupt.triggered() {
                Some(signal) => Err(EngineError::Interrupted { signal, stem: None }.into()),
                None => tick.as_mut().map_or(Ok(()), |tick| tick()),
            };
            if let Err(error) = stopped {
                self.end();
                return Err(error);
            }
            let paused = Instant::now();
            thread::park_timeout(pause);
            // Woken early: it has said its last word, and is about to be gone.
            pause = if paused.elapsed() < pause { FIRST_TICK } else { (pause * 2).min(TICK) };
        }
    }

    /// Asks all of it to end, and makes it where it does not.
    fn end(&mut self) {
        if matches!(self.child.try_wait(), Ok(Some(_))) {
            return;
        }
        self.signal(Signal::TERM);
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if matches!(self.child.try_wait(), Ok(Some(_))) {
                return;
            }
            thread::sleep(Duration::from_millis(10));
        }
        self.signal(Signal::KILL);
        let _ = self.child.wait();
    }

    fn signal(&self, signal: Signal) {
        if let Some(leader) = self.leader {
            let _ = kill_process_group(leader, signal);
        }
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        self.end();
    }
}

/// Ends the program where we are killed: nobody else would, and it would go on to read the database and fill the disk. It is
/// there before the program, and leads the group that the program joins.
struct Guardian(Option<(Child, ChildStdin)>);

impl Guardian {
    fn start() -> Self {
        let mut command = Command::new("sh");
        command.args(["-c", include_str!("process_guardian.sh"), "migrate-guardian"]);
        command.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null()).process_group(0);
        // Without one, a kill -9 leaves the program running, and nothing else is different.
        let child = command.spawn().ok();
        Self(child.and_then(|mut child| child.stdin.take().map(|stdin| (child, stdin))))
    }

    /// The group to join; 0, a new one, where there is no guardian.
    fn group(&self) -> i32 {
        self.0.as_ref().and_then(|(child, _)| i32::try_from(child.id()).ok()).unwrap_or(0)
    }

    fn dismiss(&mut self) {
        if let Some((mut child, mut stdin)) = self.0.take() {
            let _ = stdin.write_all(b"ended\n");
            drop(stdin);
            let _ = child.wait();
        }
    }
}

impl Drop for Guardian {
    fn drop(&mut self) {
        self.dismiss();
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Mutex;

    use super::*;

    fn sh(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_goes_in_comes_out_and_what_it_says_is_kept() {
        let read = Mutex::new(String::new());
        let streams = Streams {
            input: Some(Box::new("hello".as_bytes())),
            output: Some(Box::new(|output| output.read_to_string(&mut read.lock().unwrap()).map(drop))),
            listener: Some(Box::new(|line| !line.starts_with("info"))),
            tick: None,
        };
        let script = "cat; echo info 1 >&2; echo \"error: PASSWORD 'canary'\" >&2; exit 3";
        let ended = run(sh(script), streams, &Interrupt::new()).unwrap();
        assert_eq!(*read.lock().unwrap(), "hello");
        assert_eq!(ended.why(), "it ended with exit status 3:\nerror: PASSWORD '***'");
    }

    #[test]
    fn an_interrupt_ends_it_and_its_children() {
        let interrupt = Interrupt::new();
        let pids = Mutex::new(String::new());
        let streams = Streams {
            output: Some(Box::new(|output| {
                output.read_line(&mut pids.lock().unwrap())?;
                interrupt.trigger(2);
                Ok(())
            })),
            ..Streams::default()
        };
        let error = run(sh("sleep 600 & echo $!; wait"), streams, &interrupt).unwrap_err();
        assert!(matches!(error.downcast_ref(), Some(EngineError::Interrupted { signal: 2, .. })));
        let pid: i32 = pids.lock().unwrap().trim().parse().unwrap();
        // A child of the shell's: init reaps it when it likes.
        let gone = || {
            let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
            stat.is_empty() || stat.contains(") Z ")
        };
        let start = Instant::now();
        while !gone() && start.elapsed() < Duration::from_secs(10) {
            thread::sleep(Duration::from_millis(5));
        }
        assert!(gone());
    }

    #[test]
    fn a_program_that_is_not_there_is_named() {
        let error = run(Command::new("/nonexistent/pg_dump"), Streams::default(), &Interrupt::new());
        let error = error.unwrap_err();
        assert!(error.to_string().starts_with("/nonexistent/pg_dump: "), "{error}");
        assert_eq!(crate::Exit::of(&error).code(), 5);
    }

    #[test]
    fn a_full_pipe_of_words_blocks_nobody() {
        let script = "i=0; while [ $i -lt 3000 ]; do echo 'a line that is long enough to fill a pipe' >&2; i=$((i+1)); done";
        let ended = run(sh(script), Streams::default(), &Interrupt::new()).unwrap();
        assert!(ended.status.success());
        assert_eq!(ended.said.split('\n').count(), KEPT);
    }
}
