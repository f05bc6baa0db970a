//! `--report FILE`: the result a second time, for a machine or a reviewer.

use std::path::PathBuf;
use std::str::FromStr;

use clap::Args;

use super::Format;

/// Where else the result is written.
#[derive(Clone, Debug, Default, Args)]
pub struct Reports {
    /// Also write the result to FILE, as its ending says: .md, .sarif, .json or .txt; may be repeated
    #[arg(long = "report", value_name = "FILE")]
    pub files: Vec<ReportFile>,
}

/// A file to write, and as what.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReportFile {
    /// As it was given.
    pub path: PathBuf,
    /// From its ending.
    pub format: Format,
}

impl FromStr for ReportFile {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let path = PathBuf::from(text);
        let ending = path.extension().and_then(|ending| ending.to_str()).unwrap_or_default();
        let format = match ending.to_ascii_lowercase().as_str() {
            "md" => Format::Markdown,
            "sarif" => Format::Sarif,
            "json" => Format::Json,
            "txt" => Format::Human,
            _ => return Err("write a name that ends in .md, .sarif, .json or .txt".to_owned()),
        };
        Ok(Self { path, format })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ending_says_the_format() {
        for (name, format) in [
            ("a/report.md", Format::Markdown),
            ("x.SARIF", Format::Sarif),
            ("x.y.json", Format::Json),
            ("r.txt", Format::Human),
        ] {
            assert_eq!(name.parse::<ReportFile>().map(|file| file.format), Ok(format), "{name}");
        }
        for name in ["", "md", ".md", "a.html", "a.md/"] {
            let parsed = name.parse::<ReportFile>();
            assert_eq!(parsed.is_err(), name != "a.md/", "{name}");
        }
    }
}
