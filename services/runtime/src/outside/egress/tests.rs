use super::*;

fn rules(policy: Policy, entries: &[&str]) -> Rules {
    Rules { policy, allowed: entries.iter().map(|entry| entry.parse().unwrap()).collect() }
}

fn default_rules(entries: &[&str]) -> Rules {
    rules(Policy::DenyByDefault, entries)
}

/// What becomes of a connection to the host when it leads to the address.
fn connects(rules: &Rules, host: &str, declared: Declared, address: &str) -> Result<(), Refusal> {
    let host = Host::of(host);
    rules.host(&host, declared)?;
    rules.address(&host, declared, address.parse().unwrap())
}

#[test]
fn every_address_is_as_far_away_as_the_registries_say() {
    let rows: [(Reach, &[&str]); 6] = [
        (Reach::Public, &["8.8.8.8", "172.32.0.1", "100.128.0.1", "2606:4700::1111", "64:ff9b::8.8.8.8"]),
        (
            Reach::Loopback,
            &["127.0.0.1", "127.9.9.9", "::1", "0.0.0.0", "::", "::ffff:127.0.0.1", "64:ff9b::7f00:1"],
        ),
        (
            Reach::Private,
            &["10.1.2.3", "172.16.0.1", "192.168.1.1", "100.64.0.1", "198.18.0.1", "fd12::1", "fec0::1"],
        ),
        (
            Reach::Private,
            &["::ffff:10.0.0.1", "::10.0.0.1", "64:ff9b::a00:1", "64:ff9b:1::1", "2002:a00:1::1"],
        ),
        (Reach::LinkLocal, &["169.254.1.1", "fe80::1", "::ffff:169.254.1.1"]),
        (
            Reach::Metadata,
            &[
                "169.254.169.254",
                "::ffff:169.254.169.254",
                "64:ff9b::a9fe:a9fe",
                "2002:a9fe:a9fe::1",
                "fd00:ec2::254",
                "100.100.100.200",
                "168.63.129.16",
                "192.0.0.192",
            ],
        ),
    ];
    for (reach, addresses) in rows {
        for address in addresses {
            assert_eq!(Reach::of(address.parse().unwrap()), reach, "{address}");
        }
    }
    for nobody in ["0.1.2.3", "224.0.0.1", "255.255.255.255", "192.0.2.1", "2001:db8::1", "ff02::1", "100::1"]
    {
        assert_eq!(Reach::of(nobody.parse().unwrap()), Reach::Nobody, "{nobody}");
    }
}

#[test]
fn a_private_address_needs_a_word_of_the_operator() {
    let refused = |reach| Err(Refusal::Address(reach));
    let (by_url, local) = (Declared::ByUrl, Declared::Local);
    let rows = [
        ("api.openai.com", by_url, "104.18.6.192", Ok(())),
        ("api.openai.com", by_url, "127.0.0.1", refused(Reach::Loopback)),
        ("api.openai.com", by_url, "10.0.0.5", refused(Reach::Private)),
        ("llm.corp.example", local, "10.0.0.5", Ok(())),
        ("127.0.0.1", by_url, "127.0.0.1", Ok(())),
        ("[::1]", by_url, "::1", Ok(())),
        ("10.0.0.5", by_url, "10.0.0.5", Ok(())),
        ("localhost", by_url, "127.0.0.1", Ok(())),
        ("LocalHost.", by_url, "::1", Ok(())),
        ("localhost", by_url, "10.0.0.5", refused(Reach::Private)),
        ("ollama", by_url, "172.18.0.3", Ok(())),
        ("gpu.local", by_url, "192.168.1.7", Ok(())),
        ("host.docker.internal", by_url, "192.168.65.254", Ok(())),
        ("notlocal.example", by_url, "192.168.1.7", refused(Reach::Private)),
    ];
    for (host, declared, address, verdict) in rows {
        assert_eq!(connects(&default_rules(&[]), host, declared, address), verdict, "{host} at {address}");
    }
}

#[test]
fn clouds_credentials_are_out_of_reach_whoever_says_what() {
    let everything = ["0.0.0.0/0", "::/0", "metadata.google.internal"];
    for rules in [default_rules(&everything), rules(Policy::AllowAll, &everything)] {
        for host in ["169.254.169.254", "metadata.google.internal", "[fd00:ec2::254]"] {
            let address = if host.contains("ec2") { "fd00:ec2::254" } else { "169.254.169.254" };
            let refused = Err(Refusal::Address(Reach::Metadata));
            assert_eq!(connects(&rules, host, Declared::Local, address), refused, "{host}");
        }
    }
    let link_local = |rules: &Rules| connects(rules, "169.254.7.7", Declared::Local, "169.254.7.7");
    assert_eq!(link_local(&default_rules(&[])), Err(Refusal::Address(Reach::LinkLocal)));
    assert_eq!(link_local(&default_rules(&["169.254.7.0/24"])), Ok(()));
}

#[test]
fn a_list_is_the_whole_list_but_for_this_machine() {
    let listed = default_rules(&["api.openai.com", "*.azure.com", "10.0.0.0/8"]);
    let may = |host: &str| listed.host(&Host::of(host), Declared::ByUrl).is_ok();
    for host in
        ["api.openai.com", "API.OpenAI.com.", "my.openai.azure.com", "10.9.9.9", "127.0.0.1", "localhost"]
    {
        assert!(may(host), "{host}");
    }
    for host in
        ["openai.com", "api.openai.com.evil.example", "azure.com", "evilazure.com", "11.0.0.1", "ollama"]
    {
        assert!(!may(host), "{host}");
    }
    assert!(default_rules(&[]).host(&Host::of("api.openai.com"), Declared::ByUrl).is_ok(), "no list");
    let all = rules(Policy::AllowAll, &["api.openai.com"]);
    assert!(all.host(&Host::of("api.mistral.ai"), Declared::ByUrl).is_ok(), "a list that does not bind");
    let held = connects(&listed, "api.openai.com", Declared::ByUrl, "10.0.0.5");
    assert_eq!(held, Ok(()), "a listed network is one that names may lead to");
}

#[test]
fn what_is_no_entry_of_the_list_is_told() {
    for text in
        ["https://api.openai.com", "api.openai.com:443", "*", "*.", "a..b", "10.0.0", "a/b", "ünï.example"]
    {
        let problem = text.parse::<Allowed>().unwrap_err().to_string();
        assert!(problem.starts_with(&format!("\"{text}\" is none of")), "{problem}");
    }
}

#[test]
fn a_refusal_is_a_sentence_that_says_what_to_do_and_names_no_address() {
    let all = [
        Refusal::Host,
        Refusal::Origin,
        Refusal::Address(Reach::Loopback),
        Refusal::Address(Reach::Private),
        Refusal::Address(Reach::LinkLocal),
        Refusal::Address(Reach::Metadata),
        Refusal::Address(Reach::Nobody),
    ];
    for refusal in all {
        let words = refusal.to_string();
        assert!(words.starts_with("is not asked: ") && !words.ends_with('.'), "{words}");
    }
    assert_eq!(
        Refusal::Address(Reach::Private).to_string(),
        "is not asked: its host leads to a private address, which its name does not say; declare it local, or list \
         its network in EGRESS_ALLOWED_HOSTS"
    );
}

#[test]
fn a_metadata_service_is_refused_by_its_names_whatever_is_declared_or_listed() {
    for name in ["metadata.google.internal", "Metadata.Google.Internal.", "metadata", "instance-data"] {
        let listed = rules(Policy::AllowAll, &["metadata.google.internal", "0.0.0.0/0"]);
        let verdict = listed.host(&Host::of(name), Declared::Local);
        assert_eq!(verdict, Err(Refusal::Address(Reach::Metadata)), "{name}");
    }
    let url = |text: &str| Url::parse(text).unwrap();
    assert_eq!(never_asked(&url("http://169.254.169.254/x")), Some(Reach::Metadata));
    assert_eq!(never_asked(&url("http://10.0.0.5/x")), None, "rules decide");
    assert_eq!(never_asked(&url("https://api.openai.com")), None);
}
