//! What a process uses, from `/proc`: only Linux has it, elsewhere it is left out of the report.

use std::time::{Duration, Instant};

use serde::Serialize;

/// Ticks of the kernel's accounting in a second, as `/proc` shows them on every architecture we build for.
const TICKS: f64 = 100.0;

/// What a process used during a load.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Usage {
    /// Cores kept busy on average; 1 is one core all the time.
    pub(super) cores: f64,
    /// Resident memory at the end of the load, in MB (10^6 bytes).
    pub(super) resident_mb: f64,
    /// The most resident memory since the process began.
    pub(super) peak_resident_mb: f64,
}

/// A process that is watched.
#[derive(Debug)]
pub(super) struct Watch {
    pid: u32,
    began: Instant,
    cpu: f64,
}

impl Watch {
    /// Begins now; none where there is no such process or no `/proc`.
    pub(super) fn of(pid: u32) -> Option<Watch> {
        Some(Watch { pid, began: Instant::now(), cpu: cpu_seconds(&read(pid, "stat")?)? })
    }

    /// What it has used since; none if it has ended.
    pub(super) fn usage(&self) -> Option<Usage> {
        let cpu = cpu_seconds(&read(self.pid, "stat")?)? - self.cpu;
        let status = read(self.pid, "status")?;
        let wall = self.began.elapsed().max(Duration::from_millis(1)).as_secs_f64();
        Some(Usage {
            cores: cpu / wall,
            resident_mb: megabytes(&status, "VmRSS:")?,
            peak_resident_mb: megabytes(&status, "VmHWM:")?,
        })
    }
}

fn read(pid: u32, file: &str) -> Option<String> {
    std::fs::read_to_string(format!("/proc/{pid}/{file}")).ok()
}

/// User and system time of all threads, from `/proc/PID/stat`. The second field is the program's name, which may
/// hold spaces and brackets, so fields are counted from the last bracket.
fn cpu_seconds(stat: &str) -> Option<f64> {
    let (_, after) = stat.rsplit_once(')')?;
    let mut ticks = after.split_whitespace().skip(11).map(str::parse::<u64>);
    Some((ticks.next()?.ok()? + ticks.next()?.ok()?) as f64 / TICKS)
}

/// A line of `/proc/PID/status` that is in kB.
fn megabytes(status: &str, name: &str) -> Option<f64> {
    let line = status.lines().find_map(|line| line.strip_prefix(name))?;
    let kb: f64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kb * 1024.0 / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_memory_are_read_as_the_kernel_writes_them() {
        let stat = "42 (a) b (c) S 1 42 42 0 -1 4194560 900 0 0 0 150 50 0 0 20 0 9 0 100 1000 200 18446744073709551615";
        assert_eq!(cpu_seconds(stat), Some(2.0));
        let status = "Name:\tbsm\nVmHWM:\t    2000 kB\nVmRSS:\t    1000 kB\n";
        assert_eq!((megabytes(status, "VmRSS:"), megabytes(status, "VmHWM:")), (Some(1.024), Some(2.048)));
        assert_eq!((cpu_seconds(""), megabytes("", "VmRSS:")), (None, None));
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn a_process_that_runs_can_be_watched_and_one_that_does_not_cannot() {
        let usage = Watch::of(std::process::id()).unwrap().usage().unwrap();
        assert!(usage.resident_mb > 0.5 && usage.peak_resident_mb >= usage.resident_mb, "{usage:?}");
        assert!(Watch::of(u32::MAX).is_none());
    }
}
