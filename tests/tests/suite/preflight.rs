//! `preflight` as a whole: what it leaves behind, what it writes to the server, what it says; and what the tests of its
//! checks read its findings with.

use migrate_tests::TestEnvironment;
use serde_json::Value;

/// What one preflight found.
pub(crate) struct Seen {
    pub(crate) result: Value,
}

impl Seen {
    #[track_caller]
    pub(crate) fn of(environment: &TestEnvironment, arguments: &[&str], code: i32) -> Self {
        let output = environment.run(&[&["preflight", "--format", "json"], arguments].concat());
        output.expect(code);
        let document: Value = serde_json::from_str(&output.stdout).unwrap();
        assert_eq!(document["exit_code"], code);
        let seen = Self { result: document["result"].clone() };
        assert_eq!(seen.result["passed"], code == 0);
        seen
    }

    #[track_caller]
    pub(crate) fn passed(environment: &TestEnvironment, arguments: &[&str]) -> Self {
        Self::of(environment, arguments, 0)
    }

    #[track_caller]
    pub(crate) fn failed(environment: &TestEnvironment, arguments: &[&str]) -> Self {
        Self::of(environment, arguments, 1)
    }

    #[track_caller]
    pub(crate) fn check(&self, name: &str) -> &Value {
        let checks = self.result["checks"].as_array().unwrap();
        checks.iter().find(|check| check["check"] == name).unwrap_or_else(|| panic!("no check {name}"))
    }

    #[track_caller]
    pub(crate) fn severity(&self, name: &str) -> &str {
        self.check(name)["severity"].as_str().unwrap()
    }

    #[track_caller]
    pub(crate) fn findings(&self, name: &str) -> &[Value] {
        self.check(name)["findings"].as_array().unwrap()
    }

    /// The one finding of a check, of this severity.
    #[track_caller]
    pub(crate) fn only(&self, name: &str, severity: &str) -> &Value {
        match self.findings(name) {
            [finding] => {
                assert_eq!(finding["severity"], severity, "{finding:#}");
                finding
            }
            other => panic!("{name}: {other:#?}"),
        }
    }
}

/// The text of the one marker in the log folder.
#[track_caller]
pub(crate) fn marker(environment: &TestEnvironment) -> String {
    let files = std::fs::read_dir(environment.path(".migrate/log")).unwrap();
    let mut names = files.map(|file| file.unwrap().path());
    let path =
        names.find(|path| path.file_name().unwrap().to_string_lossy().starts_with("preflight-passed-"));
    std::fs::read_to_string(path.expect("a marker")).unwrap()
}
