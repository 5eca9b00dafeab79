//! What this process costs the machine, where the system tells it cheaply: Linux, from `/proc/self`.

/// Linux counts processor time for user space in hundredths of a second on every architecture (USER_HZ).
const TICKS_PER_SECOND: f64 = 100.0;

/// What was used so far.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(crate) struct Cost {
    /// Time on a processor, user and system.
    pub(crate) cpu_seconds: Option<f64>,
    /// Memory in use, in bytes.
    pub(crate) resident_bytes: Option<f64>,
}

impl Cost {
    /// Now. The files are made by the kernel when read: no disk is waited for.
    pub(crate) fn now() -> Cost {
        let read = |name: &str| std::fs::read_to_string(format!("/proc/self/{name}")).ok();
        Cost {
            cpu_seconds: read("stat").and_then(|text| cpu_seconds(&text)),
            resident_bytes: read("status").and_then(|text| resident_bytes(&text)),
        }
    }
}

/// Fields 14 and 15; the second one, the name, may hold spaces and ends with the last parenthesis.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    Some((ticks(11)? + ticks(12)?) / TICKS_PER_SECOND)
}

fn resident_bytes(status: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kernels_lines_are_read() {
        let stat = "42 (a b) c) S 1 42 42 0 -1 4194304 100 0 0 0 250 50 0 0 20 0 9 0 1 2 3";
        assert_eq!(cpu_seconds(stat), Some(3.0));
        assert_eq!(resident_bytes("Name:\tbsm\nVmRSS:\t   2048 kB\nX: 1\n"), Some(2_097_152.0));
        assert_eq!((cpu_seconds("42"), resident_bytes("Name: bsm")), (None, None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn this_process_costs_something() {
        assert!(Cost::now().resident_bytes.unwrap() > 0.0 && Cost::now().cpu_seconds.is_some());
    }
}
