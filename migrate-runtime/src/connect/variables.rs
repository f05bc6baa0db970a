//! The settings as libpq's variables: what `pg_dump`, `psql` and the like are started with. A password stands in the
//! environment, which other users cannot read, and never among the arguments, which they can.

use std::time::Duration;

use tokio_postgres::config::ChannelBinding;

use super::Database;
use super::database::{PasswordOrigin, SessionAttributes};
use super::sslmode::{Roots, SslModeSetting, TlsVersion};
use super::target::{Place, Target};

impl Database {
    /// libpq's `PG*` variables for a program that is to reach the same database in the same way, without those that only
    /// say what libpq does anyway (manual, "Environment Variables").
    ///
    /// Several servers are tried in the order in which they are written, also where these settings say `random`: who
    /// shares a snapshot with the program must reach the same one. Keepalive settings have no variable and are left out.
    pub fn variables(&self) -> Vec<(&'static str, String)> {
        let mut variables = Vec::new();
        let each = |of: &dyn Fn(&Target) -> String| -> String {
            self.targets.iter().map(of).collect::<Vec<_>>().join(",")
        };
        variables.push((
            "PGHOST",
            each(&|target| match &target.place {
                Place::Tcp { name, .. } => name.clone(),
                Place::Unix(folder) => folder.to_string_lossy().into_owned(),
            }),
        ));
        let address = |target: &Target| match &target.place {
            Place::Tcp { address: Some(address), .. } => address.to_string(),
            _ => String::new(),
        };
        if self.targets.iter().any(|target| !address(target).is_empty()) {
            variables.push(("PGHOSTADDR", each(&address)));
        }
        variables.push(("PGPORT", each(&|target| target.port.to_string())));
        variables.push(("PGUSER", self.user.clone()));
        variables.push(("PGDATABASE", self.dbname.clone()));
        variables.extend(self.password());
        if let Some(options) = &self.options {
            variables.push(("PGOPTIONS", options.clone()));
        }
        if let Some(name) = self.application_name.as_ref().or(self.fallback_application_name.as_ref()) {
            variables.push(("PGAPPNAME", name.clone()));
        }
        let seconds = self.connect_timeout.as_ref().map_or(0, Duration::as_secs);
        variables.push(("PGCONNECT_TIMEOUT", seconds.to_string()));
        if let Some(wanted) = session(self.session) {
            variables.push(("PGTARGETSESSIONATTRS", wanted.to_owned()));
        }
        match self.channel_binding {
            ChannelBinding::Disable => variables.push(("PGCHANNELBINDING", "disable".to_owned())),
            ChannelBinding::Require => variables.push(("PGCHANNELBINDING", "require".to_owned())),
            _ => {}
        }
        self.encryption_variables(&mut variables);
        variables
    }

    /// The password, where all servers have the same one; else the file that has one for each.
    fn password(&self) -> Option<(&'static str, String)> {
        let mut passwords =
            self.targets.iter().map(|target| target.password.as_ref().map(|secret| secret.0.as_str()));
        let first = passwords.next().flatten();
        match (&self.password_origin, passwords.all(|other| other == first)) {
            (_, true) => first.map(|password| ("PGPASSWORD", password.to_owned())),
            (PasswordOrigin::File(path), false) => Some(("PGPASSFILE", path.to_string_lossy().into_owned())),
            (_, false) => None,
        }
    }

    fn encryption_variables(&self, variables: &mut Vec<(&'static str, String)>) {
        let tls = &self.tls;
        let mode = match tls.mode {
            SslModeSetting::Disable => "disable",
            SslModeSetting::Allow => "allow",
            SslModeSetting::Prefer => "prefer",
            SslModeSetting::Require => "require",
            SslModeSetting::VerifyCa => "verify-ca",
            SslModeSetting::VerifyFull => "verify-full",
        };
        variables.push(("PGSSLMODE", mode.to_owned()));
        // libpq would try Kerberos before anything else; we do not speak it.
        variables.push(("PGGSSENCMODE", "disable".to_owned()));
        match &tls.roots {
            Roots::File(path) => variables.push(("PGSSLROOTCERT", path.to_string_lossy().into_owned())),
            Roots::System => variables.push(("PGSSLROOTCERT", "system".to_owned())),
            Roots::None => {}
        }
        if let Some((certificate, key)) = &tls.identity {
            variables.push(("PGSSLCERT", certificate.to_string_lossy().into_owned()));
            variables.push(("PGSSLKEY", key.to_string_lossy().into_owned()));
        }
        if tls.direct {
            variables.push(("PGSSLNEGOTIATION", "direct".to_owned()));
        }
        if !tls.sni {
            variables.push(("PGSSLSNI", "0".to_owned()));
        }
        if tls.min == TlsVersion::V13 {
            variables.push(("PGSSLMINPROTOCOLVERSION", "TLSv1.3".to_owned()));
        }
        if tls.max == TlsVersion::V12 {
            variables.push(("PGSSLMAXPROTOCOLVERSION", "TLSv1.2".to_owned()));
        }
    }
}

fn session(wanted: SessionAttributes) -> Option<&'static str> {
    Some(match wanted {
        SessionAttributes::Any => return None,
        SessionAttributes::ReadWrite => "read-write",
        SessionAttributes::ReadOnly => "read-only",
        SessionAttributes::Primary => "primary",
        SessionAttributes::Standby => "standby",
        SessionAttributes::PreferStandby => "prefer-standby",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variables(text: &str) -> String {
        let database = Database::resolve(Some(text), &|_| None).unwrap();
        let all = database.variables();
        all.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn settings_come_back_as_variables() {
        assert_eq!(
            variables("postgres://u:p%40ss@h:5433/d?sslmode=disable"),
            "PGHOST=h PGPORT=5433 PGUSER=u PGDATABASE=d PGPASSWORD=p@ss PGCONNECT_TIMEOUT=10 PGSSLMODE=disable \
             PGGSSENCMODE=disable"
        );
        assert_eq!(
            variables(
                "host=h1,/run/pg hostaddr=127.0.0.1, port=1,2 user=u dbname='a b' options='-c a=b' \
                 application_name=x connect_timeout=0 target_session_attrs=primary channel_binding=require \
                 load_balance_hosts=random"
            ),
            "PGHOST=h1,/run/pg PGHOSTADDR=127.0.0.1, PGPORT=1,2 PGUSER=u PGDATABASE=a b PGOPTIONS=-c a=b PGAPPNAME=x \
             PGCONNECT_TIMEOUT=0 PGTARGETSESSIONATTRS=primary PGCHANNELBINDING=require PGSSLMODE=prefer \
             PGGSSENCMODE=disable"
        );
    }

    /// What the variables say is read back as the same settings: the one reader of them is the judge of their writer.
    #[cfg(feature = "tls")]
    #[test]
    fn encryption_comes_back_as_it_was() {
        for text in [
            "postgres://u@h/d?sslmode=verify-full&sslrootcert=system&sslsni=0",
            "postgres://u@h/d?sslmode=require&sslrootcert=/r&sslcert=/c&sslkey=/k&sslnegotiation=direct",
            "postgres://u:x@h/d?ssl_min_protocol_version=TLSv1.3",
            "postgres://u:x@h/d?ssl_max_protocol_version=TLSv1.2&sslmode=verify-ca&sslrootcert=/r",
        ] {
            let database = Database::resolve(Some(text), &|_| None).unwrap();
            let all = database.variables();
            let find =
                |name: &str| all.iter().find(|(known, _)| *known == name).map(|(_, value)| value.clone());
            let again = Database::resolve(None, &find).unwrap();
            assert_eq!(format!("{again:?}"), format!("{database:?}"), "{text}");
            assert_eq!(again.password(), database.password(), "{text}");
        }
    }

    #[test]
    fn passwords_that_differ_stay_in_their_file() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("passwords");
        std::fs::write(&path, "h1:*:*:*:one\nh2:*:*:*:two\n").unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
        let file = path.display();
        let of = |hosts: &str| {
            let text = format!("host={hosts} user=u dbname=d passfile={file}");
            Database::resolve(Some(&text), &|_| None).unwrap().password()
        };
        assert_eq!(of("h1"), Some(("PGPASSWORD", "one".to_owned())));
        assert_eq!(of("h1,h2"), Some(("PGPASSFILE", file.to_string())));
        assert_eq!(of("h3"), None);
    }
}
