//! `sslmode` in every combination, compared with what psql makes of the same text.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DistinguishedName, DnType, IsCa, KeyPair};

use crate::plain::{cancels, failure};
use crate::server::{PASSWORD_IN_URL, Server, ServerTls, block_on, resolve};

type Authority = CertifiedIssuer<'static, KeyPair>;

fn subject(name: &str) -> DistinguishedName {
    let mut subject = DistinguishedName::new();
    subject.push(DnType::CommonName, name);
    subject
}

fn authority(name: &str) -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.distinguished_name = subject(name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

/// Certificate and key in PEM.
fn issue(authority: &Authority, common_name: &str, alternative_names: &[&str]) -> (String, String) {
    let names: Vec<String> = alternative_names.iter().map(|name| (*name).to_owned()).collect();
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name = subject(common_name);
    let key = KeyPair::generate().unwrap();
    (params.signed_by(&key, authority).unwrap().pem(), key.serialize_pem())
}

fn start(certificate: (String, String), client_authority: &Authority) -> Option<Server> {
    let (certificate, key) = certificate;
    Server::start(Some(ServerTls { certificate, key, client_authority: client_authority.pem() }))
}

fn save(folder: &Path, name: &str, text: &str) -> String {
    let path = folder.join(name);
    std::fs::write(&path, text).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o600)).unwrap();
    path.display().to_string()
}

/// Whether the connection is encrypted; `None` where there is none.
fn ours(text: &str) -> Option<bool> {
    let database = resolve(text).ok()?;
    block_on(async {
        let (client, link) = database.connect("the test").await.ok()?;
        let encrypted = link.is_encrypted();
        let pid = link.backend_pid();
        tokio::spawn(link.run(|_| {}));
        let sql = "SELECT ssl, pid FROM pg_stat_ssl WHERE pid = pg_backend_pid()";
        let row = client.query_one(sql, &[]).await.unwrap();
        assert_eq!((encrypted, pid), (row.get(0), Some(row.get(1))), "{text}");
        Some(encrypted)
    })
}

const MODES: [&str; 6] = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"];

#[test]
fn every_sslmode_does_what_it_does_in_psql() {
    let (good, wrong, clients) = (authority("good"), authority("wrong"), authority("clients"));
    let Some(encrypting) = start(issue(&good, "db", &["localhost"]), &clients) else { return };
    let Some(without) = Server::start(None) else { return };
    let folder = tempfile::tempdir().unwrap();
    let roots = [
        String::new(),
        format!(" sslrootcert={}", save(folder.path(), "good.crt", good.as_ref().pem().as_str())),
        format!(" sslrootcert={}", save(folder.path(), "wrong.crt", wrong.as_ref().pem().as_str())),
    ];
    let mut table = Vec::new();
    for mode in MODES {
        let mut row = Vec::new();
        for (index, root) in roots.iter().enumerate() {
            for host in ["localhost", "elsewhere.example"] {
                for (server, users) in
                    [(&encrypting, &["anyhow", "only_tls", "only_plain"][..]), (&without, &["anyhow"][..])]
                {
                    for user in users {
                        let text = format!(
                            "host={host} hostaddr=127.0.0.1 port={} user={user} dbname=postgres sslmode={mode}{root}",
                            server.port
                        );
                        let outcome = ours(&text);
                        assert_eq!(outcome, server.psql(&text), "{text}");
                        if *user == "anyhow"
                            && std::ptr::eq(server, &encrypting)
                            && (index > 0 || host == "localhost")
                        {
                            row.push(match outcome {
                                None => "-",
                                Some(true) => "tls",
                                Some(false) => "plain",
                            });
                        }
                    }
                }
            }
        }
        table.push((mode, row.join(" ")));
    }
    // What the manual says, so that the oracle is not the only word: no root; good root, right and wrong name; wrong
    // root, right and wrong name.
    let expected = [
        ("disable", "plain plain plain plain plain"),
        ("allow", "plain plain plain plain plain"),
        ("prefer", "tls tls tls plain plain"),
        ("require", "tls tls tls - -"),
        ("verify-ca", "- tls tls - -"),
        ("verify-full", "- tls - - -"),
    ];
    assert_eq!(table.iter().map(|(mode, row)| (*mode, row.as_str())).collect::<Vec<_>>(), expected);

    let base = |mode: &str, root: &str, host: &str| {
        failure(&format!(
            "host={host} hostaddr=127.0.0.1 port={} user=anyhow password=Canary dbname=postgres sslmode={mode}{root}",
            encrypting.port
        ))
    };
    for (said, expected) in [
        (base("verify-full", &roots[1], "elsewhere.example"), "the server's certificate is for another host"),
        (base("verify-ca", &roots[2], "localhost"), "not from an authority in sslrootcert"),
        (base("verify-ca", "", "localhost"), "need a root certificate"),
        (base("require", " sslrootcert=/nonexistent", "localhost"), "/nonexistent cannot be read"),
        (
            failure(&format!("postgres://anyhow@localhost:{}/postgres?sslmode=require", without.port)),
            "TLS switched off",
        ),
    ] {
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn cancel_client_certificates_and_channel_binding() {
    let (good, clients, strangers) = (authority("good"), authority("clients"), authority("strangers"));
    let Some(server) = start(issue(&good, "db", &["localhost"]), &clients) else { return };
    let folder = tempfile::tempdir().unwrap();
    let root = save(folder.path(), "root.crt", good.as_ref().pem().as_str());
    let port = server.port;
    let full = format!("sslmode=verify-full&sslrootcert={root}");
    cancels(&server, &server.database(&format!("postgres://only_tls@localhost:{port}/postgres?{full}")));

    let identity = |authority: &Authority, role: &str| {
        let (certificate, key) = issue(authority, role, &[]);
        let certificate = save(folder.path(), "client.crt", &certificate);
        let key = save(folder.path(), "client.key", &key);
        format!("postgres://certified@localhost:{port}/postgres?{full}&sslcert={certificate}&sslkey={key}")
    };
    for (issuer, role, expected) in
        [(&clients, "certified", Some(true)), (&clients, "somebody", None), (&strangers, "certified", None)]
    {
        let text = identity(issuer, role);
        assert_eq!(ours(&text), expected, "{role}");
        assert_eq!(server.psql(&text), expected, "{role}");
    }
    let said = failure(&format!("postgres://certified@localhost:{port}/postgres?{full}"));
    assert!(said.contains("the server wants a client certificate"), "{said}");

    for (mode, binding, expected) in [
        ("require", "require", Some(true)),
        ("require", "disable", Some(true)),
        ("disable", "require", None),
        ("disable", "prefer", Some(false)),
    ] {
        let text = format!(
            "postgres://scram:{PASSWORD_IN_URL}@localhost:{port}/postgres?sslmode={mode}&channel_binding={binding}"
        );
        assert_eq!(ours(&text), expected, "{mode} {binding}");
        assert_eq!(server.psql(&text), expected, "{mode} {binding}");
    }

    for versions in ["ssl_min_protocol_version=TLSv1.3", "ssl_max_protocol_version=TLSv1.2", "sslsni=0"] {
        assert_eq!(
            ours(&format!("postgres://anyhow@localhost:{port}/postgres?{full}&{versions}")),
            Some(true),
            "{versions}"
        );
    }
}

#[test]
fn certificates_as_people_have_them() {
    let (good, clients) = (authority("good"), authority("clients"));
    let folder = tempfile::tempdir().unwrap();
    let root = save(folder.path(), "root.crt", good.as_ref().pem().as_str());
    let own = {
        // As `openssl req -new -x509` makes it, in the PostgreSQL manual: its own authority, a common name alone.
        let key = KeyPair::generate().unwrap();
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params.distinguished_name = subject("localhost");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        (params.self_signed(&key).unwrap().pem(), key.serialize_pem())
    };
    let own_root = save(folder.path(), "own.crt", &own.0);
    for (certificate, root, host, expected) in [
        (own, &own_root, "localhost", Some(true)),
        (issue(&good, "localhost", &[]), &root, "localhost", Some(true)),
        (issue(&good, "*.db.example", &[]), &root, "one.db.example", Some(true)),
        (issue(&good, "localhost", &["elsewhere.example"]), &root, "localhost", None),
        (issue(&good, "db", &["127.0.0.1"]), &root, "127.0.0.1", Some(true)),
    ] {
        let Some(server) = start(certificate, &clients) else { return };
        let text = format!(
            "host={host} hostaddr=127.0.0.1 port={} user=anyhow dbname=postgres sslmode=verify-full sslrootcert={root}",
            server.port
        );
        assert_eq!(ours(&text), expected, "{text}");
        assert_eq!(server.psql(&text), expected, "{text}");
    }

    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    params.not_after = rcgen::date_time_ymd(2020, 1, 1);
    let expired = (params.signed_by(&key, &good).unwrap().pem(), key.serialize_pem());
    let Some(server) = start(expired, &clients) else { return };
    let text =
        format!("postgres://anyhow@localhost:{}/postgres?sslmode=verify-ca&sslrootcert={root}", server.port);
    assert_eq!(server.psql(&text), None);
    let said = failure(&text);
    assert!(said.contains("renew it"), "{said}");
}
