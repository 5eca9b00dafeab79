//! A flag over all processes.

use bsm_proto::ops::v1::{Flag, MeshFlag};
use bsm_runtime::flags::Flag as Name;

/// Every flag, from those of all processes.
pub(super) fn all(flags: &[Flag]) -> Vec<MeshFlag> {
    Name::ALL.into_iter().map(|name| one(name, flags)).collect()
}

/// One flag. Its percentage is told when the processes agree.
pub(super) fn one(name: Name, flags: &[Flag]) -> MeshFlag {
    let services: Vec<Flag> = flags.iter().filter(|flag| flag.name == name.name()).cloned().collect();
    let first = services.first().map(|flag| flag.percent);
    MeshFlag {
        name: name.name().to_owned(),
        percent: first.filter(|first| services.iter().all(|flag| flag.percent == *first)),
        description: name.meaning().to_owned(),
        services,
    }
}

/// A sentence for each flag that the processes disagree on: one of them was away when it was changed.
pub(super) fn differing(flags: &[Flag]) -> Vec<String> {
    let differs = |flag: &MeshFlag| !flag.services.is_empty() && flag.percent.is_none();
    let sentence = |flag: MeshFlag| {
        let each = flag.services.iter().map(|at| format!("{} % in {}", at.percent, at.service));
        let each = each.collect::<Vec<_>>().join(", ");
        format!("The flag {} is {each}; set it again to make it the same everywhere.", flag.name)
    };
    all(flags).into_iter().filter(differs).map(sentence).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_percentage_is_told_while_all_agree() {
        let flag = |name: Name, service: &str, percent| Flag {
            name: name.name().to_owned(),
            service: service.to_owned(),
            percent,
        };
        let flags = [
            flag(Name::Retry, "gateway", 10),
            flag(Name::Retry, "models", 10),
            flag(Name::Bulkhead, "gateway", 10),
            flag(Name::Bulkhead, "models", 20),
        ];
        assert_eq!(one(Name::Retry, &flags).percent, Some(10));
        let differs = one(Name::Bulkhead, &flags);
        assert_eq!((differs.percent, differs.services.len()), (None, 2));
        assert_eq!(all(&flags).len(), 5);
        let told = "The flag bulkhead is 10 % in gateway, 20 % in models; set it again to make it the same everywhere.";
        assert_eq!(differing(&flags), [told]);
    }
}
