//! Periods of dates, cut from how dates are written.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;

/// How long a period is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// 2024
    Year,
    /// 2024-03
    Month,
    /// 2024-03-31
    Day,
}

impl Period {
    /// Characters of a date that name it.
    pub fn length(self) -> usize {
        match self {
            Period::Year => 4,
            Period::Month => 7,
            Period::Day => 10,
        }
    }

    /// The period of a date that begins as ISO 8601 has it; an empty date is in none and stays empty.
    pub fn of(self, date: &str) -> Option<Cow<'_, str>> {
        if date.is_empty() {
            return Some(Cow::Borrowed(""));
        }
        let period = date.get(..self.length())?;
        let written =
            period.bytes().enumerate().all(|(i, b)| if i == 4 || i == 7 { b == b'-' } else { b.is_ascii_digit() });
        // 20240331 is no year 2024 but another way of writing, and is told so for months and days.
        (written && !date.as_bytes().get(self.length()).is_some_and(u8::is_ascii_digit))
            .then_some(Cow::Borrowed(period))
    }
}

impl FromStr for Period {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "year" => Ok(Period::Year),
            "month" => Ok(Period::Month),
            "day" => Ok(Period::Day),
            _ => Err("expected year, month or day".into()),
        }
    }
}

impl fmt::Display for Period {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Period::Year => "year",
            Period::Month => "month",
            Period::Day => "day",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_cut_and_what_is_none_is_refused() {
        let cut = |period: Period, date| period.of(date).map(Cow::into_owned);
        assert_eq!(cut(Period::Year, "1993").as_deref(), Some("1993"));
        assert_eq!(cut(Period::Month, "1993-04-30T12:00:00Z").as_deref(), Some("1993-04"));
        assert_eq!(cut(Period::Day, "1993-04-30").as_deref(), Some("1993-04-30"));
        assert_eq!(cut(Period::Day, "").as_deref(), Some(""));
        for bad in ["30.4.1993", "April", "19930430", "199"] {
            assert_eq!(cut(Period::Year, bad), None, "{bad}");
        }
        assert_eq!(cut(Period::Month, "1993"), None);
    }
}
