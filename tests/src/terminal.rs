//! A terminal of a test's own, and a program on it: what a person sees and types.

use std::fs::File;
use std::io::{Read, Write};
use std::os::fd::OwnedFd;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Instant;

use rustix::fs::{Mode, OFlags};
use rustix::pty::OpenptFlags;
use rustix::termios::Winsize;

use crate::output::Output;
use crate::until;

/// A program on a terminal. Dropped, it is killed.
#[derive(Debug)]
pub struct Terminal {
    child: Child,
    keyboard: File,
    screen: Arc<Mutex<Vec<u8>>>,
    reader: Option<JoinHandle<()>>,
    started: Instant,
}

impl Terminal {
    /// Starts a program with all three of its streams on a terminal of this width.
    ///
    /// # Panics
    ///
    /// Where there is no terminal to be had, or the program cannot be run.
    #[track_caller]
    pub fn start(command: &mut Command, width: u16) -> Self {
        let master = rustix::pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).unwrap();
        rustix::pty::grantpt(&master).unwrap();
        rustix::pty::unlockpt(&master).unwrap();
        let name = rustix::pty::ptsname(&master, Vec::new()).unwrap();
        let slave = rustix::fs::open(&*name, OFlags::RDWR | OFlags::NOCTTY, Mode::empty()).unwrap();
        let size = Winsize { ws_row: 24, ws_col: width, ws_xpixel: 0, ws_ypixel: 0 };
        rustix::termios::tcsetwinsize(&slave, size).unwrap();
        let stream = |slave: &OwnedFd| Stdio::from(slave.try_clone().unwrap());
        command.stdin(stream(&slave)).stdout(stream(&slave)).stderr(Stdio::from(slave));
        let child = command.spawn().unwrap_or_else(|error| panic!("{command:?} cannot be run: {error}"));
        // The command keeps its ends of the terminal open, and then there would be no end to read.
        command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        let keyboard = File::from(master);
        let mut source = keyboard.try_clone().unwrap();
        let screen = Arc::new(Mutex::new(Vec::new()));
        let into = Arc::clone(&screen);
        let reader = std::thread::spawn(move || {
            let mut buffer = [0; 8192];
            while let Ok(read @ 1..) = source.read(&mut buffer) {
                into.lock().unwrap_or_else(PoisonError::into_inner).extend_from_slice(&buffer[..read]);
            }
        });
        Self { child, keyboard, screen, reader: Some(reader), started: Instant::now() }
    }

    /// Everything that was written so far, with what moves the cursor.
    pub fn text(&self) -> String {
        let bytes = self.screen.lock().unwrap_or_else(PoisonError::into_inner);
        // The terminal's driver turns a line feed into both.
        String::from_utf8_lossy(&bytes).replace("\r\n", "\n")
    }

    /// Its process number.
    pub fn pid(&self) -> i32 {
        self.child.id() as i32
    }

    /// Waits until a text was written.
    ///
    /// # Panics
    ///
    /// After 30 seconds.
    #[track_caller]
    pub fn wait_for(&self, text: &str) {
        until(&format!("`{text}` on the terminal"), || self.text().contains(text));
    }

    /// Types a line.
    ///
    /// # Panics
    ///
    /// Where the terminal is gone.
    #[track_caller]
    pub fn enter(&mut self, line: &str) {
        self.keyboard.write_all(format!("{line}\n").as_bytes()).unwrap();
    }

    /// Waits for the program's end. What was on the terminal is the standard output.
    ///
    /// # Panics
    ///
    /// After 30 seconds, or where it printed the canary.
    #[track_caller]
    pub fn wait(mut self) -> Output {
        let mut status = None;
        until("the program on the terminal to end", || {
            status = self.child.try_wait().unwrap();
            status.is_some()
        });
        if let Some(reader) = self.reader.take() {
            let _ = reader.join();
        }
        Output::new(status.unwrap(), self.text().as_bytes(), b"", self.started.elapsed())
    }
}

impl Drop for Terminal {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_sees_a_terminal_of_that_width_and_what_is_typed() {
        let mut command = Command::new("sh");
        command.args(["-c", "test -t 0 && test -t 1 && test -t 2 && stty size && read x && echo \"got $x\""]);
        let mut terminal = Terminal::start(&mut command, 33);
        terminal.wait_for("24 33\n");
        terminal.enter("this");
        let output = terminal.wait();
        assert!(output.success().stdout.ends_with("got this\n"), "{}", output.stdout);
    }
}
