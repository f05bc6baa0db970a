//! What caused an error, in words that say something: the driver's own word for whatever a server refused is "db error".

use std::error::Error;

use tokio_postgres::error::DbError;

/// What caused an error, the nearest first. What a server said is there as it said it, with its SQLSTATE, its DETAIL and its
/// HINT on lines of their own; what repeats the text before it is left out.
pub fn causes(error: &(dyn Error + 'static)) -> Vec<String> {
    let mut causes: Vec<String> = Vec::new();
    let mut last = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        next = cause.source();
        let text = match (cause.downcast_ref::<DbError>(), cause.downcast_ref::<tokio_postgres::Error>()) {
            (Some(server), _) => server_words(server),
            // What it stands for comes next.
            (None, Some(driver)) if driver.as_db_error().is_some() => continue,
            _ => cause.to_string(),
        };
        // Many crates repeat their source in their own message.
        if !last.contains(&text) {
            causes.push(text.clone());
        }
        last = text;
    }
    causes
}

/// An error with what caused it, for a place that has one line.
pub fn in_one_line(error: &(dyn Error + 'static)) -> String {
    let driver = error.downcast_ref::<tokio_postgres::Error>().and_then(tokio_postgres::Error::as_db_error);
    let mut text =
        driver.map_or_else(|| error.to_string(), |server| first_line(&server_words(server)).to_owned());
    for cause in causes(error) {
        // DETAIL and HINT are for a place that has more.
        let cause = first_line(&cause);
        if !text.contains(cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

fn first_line(text: &str) -> &str {
    text.split('\n').next().unwrap_or_default()
}

fn server_words(server: &DbError) -> String {
    let mut text = format!("{} (SQLSTATE {})", server.message(), server.code().code());
    for (word, more) in [("DETAIL", server.detail()), ("HINT", server.hint())] {
        if let Some(more) = more {
            text += &format!("\n{word}: {more}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("{text}")]
    struct Link {
        text: &'static str,
        source: Option<Box<Link>>,
    }

    #[test]
    fn what_repeats_is_left_out() {
        let link = |text, source| Link { text, source };
        let inner = link("disk full", None);
        let middle = link("could not write x: disk full", Some(Box::new(inner)));
        let outer = link("the report was not kept", Some(Box::new(middle)));
        assert_eq!(causes(&outer), ["could not write x: disk full"]);
        assert_eq!(in_one_line(&outer), "the report was not kept: could not write x: disk full");
    }

    #[test]
    fn a_server_is_heard_with_its_own_words() {
        let scratch = migrate_testing::scratch().unwrap();
        let mut client = scratch.connect().unwrap();
        client.batch_execute("CREATE TABLE t (a int UNIQUE); INSERT INTO t VALUES (1)").unwrap();
        let source = client.batch_execute("INSERT INTO t VALUES (1)").unwrap_err();
        let said = "duplicate key value violates unique constraint \"t_a_key\" (SQLSTATE 23505)";
        assert_eq!(in_one_line(&source), said);
        let error = crate::Error::Server { doing: "filling t".to_owned(), source };
        assert_eq!(causes(&error), [format!("{said}\nDETAIL: Key (a)=(1) already exists.")]);
        assert_eq!(in_one_line(&error), format!("filling t failed: {said}"));
    }

    #[test]
    fn what_no_server_said_stays() {
        let source = postgres::Client::connect("host=/nonexistent", postgres::NoTls).err().unwrap();
        let error = crate::Error::Server { doing: "asking".to_owned(), source };
        let text = in_one_line(&error);
        assert!(text.starts_with("asking failed: error connecting to server: "), "{text}");
    }
}
