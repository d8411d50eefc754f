//! Which files of a torrent are fetched, and in which order.

use super::failure::Failure;
use super::torrent_file::Sought;
use clap::Args;
use regex::Regex;
use seedbed_engine::priority::Priority;

/// Choice and order of what is fetched.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Files")]
pub(crate) struct SelectArgs {
    /// Fetch these files only, by their numbers in `info`, such as 1,3-5
    #[arg(long, value_name = "FILES", value_parser = numbers)]
    select: Option<Numbers>,
    /// Fetch files whose path matches this regular expression, and those of --select
    #[arg(long, value_name = "RE", value_parser = regex)]
    select_re: Option<Regex>,
    /// Fetch pieces in their order, so that a file can be used before it is whole
    #[arg(long)]
    pub(crate) sequential: bool,
}

/// Numbers of files, as they were typed.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Numbers(Vec<(usize, usize)>);

impl Numbers {
    fn contain(&self, number: usize) -> bool {
        self.0.iter().any(|(from, to)| (*from..=*to).contains(&number))
    }

    fn most(&self) -> usize {
        self.0.iter().map(|(_, to)| *to).max().unwrap_or(0)
    }
}

/// Ranges such as `1,3-5`.
fn numbers(text: &str) -> Result<Numbers, String> {
    let wrong = || "use numbers from 1 and ranges of them, such as 1,3-5".to_owned();
    let range = |part: &str| {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let number = |text: &str| text.trim().parse::<usize>().ok().filter(|number| *number > 0);
        let (from, to) = (number(from)?, number(to)?);
        (from <= to).then_some((from, to))
    };
    let ranges: Option<Vec<_>> = text.split(',').map(range).collect();
    ranges.map(Numbers).ok_or_else(wrong)
}

fn regex(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| error.to_string())
}

impl SelectArgs {
    /// Whether files were chosen by number or path.
    pub(crate) const fn chooses(&self) -> bool {
        self.select.is_some() || self.select_re.is_some()
    }

    /// How much each file of a torrent is wanted; nothing, if nothing was chosen, or the files of a link are not known
    /// yet.
    ///
    /// # Errors
    /// When a number is too great, or no file is chosen.
    pub(crate) fn priorities(&self, torrent: &Sought) -> Result<Vec<Priority>, Failure> {
        let Some(metainfo) = torrent.metainfo.as_ref().filter(|_| self.chooses()) else {
            return Ok(Vec::new());
        };
        let files = metainfo.layout.files();
        // pad files are not counted: nobody sees them
        let count = files.iter().filter(|file| !file.pad).count();
        if let Some(most) = self
            .select
            .as_ref()
            .map(Numbers::most)
            .filter(|most| *most > count)
        {
            return Err(Failure::usage(format_args!(
                "{} has {count} files, and --select names number {most}.",
                torrent.name()
            )));
        }
        let mut number = 0;
        let priority = |file: &seedbed_engine::layout::LayoutFile| {
            number += usize::from(!file.pad);
            let by_number = self.select.as_ref().is_some_and(|chosen| chosen.contain(number));
            let by_path = self
                .select_re
                .as_ref()
                .is_some_and(|regex| regex.is_match(&file.path));
            if !file.pad && (by_number || by_path) {
                Priority::Normal
            } else {
                Priority::Skip
            }
        };
        let priorities: Vec<Priority> = files.iter().map(priority).collect();
        if priorities.iter().all(|priority| *priority == Priority::Skip) {
            return Err(Failure::usage(format_args!(
                "No file of {} is chosen by --select or --select-re: seedbed info lists them.",
                torrent.name()
            )));
        }
        Ok(priorities)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_ranges_from_one() {
        let chosen = numbers("1,3-5, 7").unwrap();
        let numbers_in: Vec<usize> = (0..10).filter(|number| chosen.contain(*number)).collect();
        assert_eq!((numbers_in, chosen.most()), (vec![1, 3, 4, 5, 7], 7));
        for text in ["", "0", "3-1", "1,,2", "a", "1-", "-1", "99999999999999999999"] {
            assert!(numbers(text).is_err(), "{text}");
        }
    }
}
