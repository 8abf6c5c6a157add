//! Words of a ladder line: parted by blanks, except inside `` ` `` or a value's `"`.

use std::net::SocketAddr;

/// The words of one line. Backticks quote anywhere, double quotes right after `=`; the quotes themselves are dropped.
/// Fails on a quote that is not closed.
pub fn words(line: &str) -> Result<Vec<String>, String> {
    let mut words = Vec::new();
    let mut word = String::new();
    let mut open: Option<char> = None;
    for c in line.chars() {
        match open {
            Some(quote) if c == quote => open = None,
            Some(_) => word.push(c),
            None if c == '`' || (c == '"' && word.ends_with('=')) => open = Some(c),
            None if c.is_whitespace() => {
                if !word.is_empty() {
                    words.push(std::mem::take(&mut word));
                }
            }
            None => word.push(c),
        }
    }
    if let Some(quote) = open {
        return Err(format!("{quote} is not closed"));
    }
    if !word.is_empty() {
        words.push(word);
    }
    Ok(words)
}

/// `key=value` of a word; `None` for a URI such as `sip:a@b;transport=tls`, whose `=` comes after a colon.
pub fn pair(word: &str) -> Option<(&str, &str)> {
    let (key, value) = word.split_once('=')?;
    let is_key = !key.is_empty() && key.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-');
    is_key.then_some((key, value))
}

/// `ip:port` or `[v6]:port`.
pub fn address(word: &str) -> Option<SocketAddr> {
    word.parse().ok()
}

/// A number of any width, decimal or `0x` hexadecimal.
pub fn number<T: TryFrom<u64>>(what: &str, text: &str) -> Result<T, String> {
    let value = match text.strip_prefix("0x") {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    };
    value.and_then(|v| T::try_from(v).ok()).ok_or_else(|| format!("{what}={text} is not a number in range"))
}

/// Numbers such as `3,10-12`.
pub fn numbers(what: &str, text: &str) -> Result<Vec<u32>, String> {
    let range = |text: &str| {
        let (first, last) = text.split_once('-').unwrap_or((text, text));
        Ok::<_, String>((number(what, first)?..=number(what, last)?).collect::<Vec<u32>>())
    };
    Ok(text.split(',').map(range).collect::<Result<Vec<_>, _>>()?.concat())
}

/// Nanoseconds of `1.25` (seconds), `0.4ms`, `20us` or `5s`; a sign is allowed. Finer than a nanosecond is cut off.
pub fn time(text: &str) -> Result<i64, String> {
    let (digits, unit) = match text.find(|c: char| c.is_ascii_alphabetic()) {
        Some(at) => text.split_at(at),
        None => (text, "s"),
    };
    let scale: usize = match unit {
        "s" => 9,
        "ms" => 6,
        "us" => 3,
        _ => return Err(format!("'{text}' is not a time: use s, ms or us")),
    };
    let bad = || format!("'{text}' is not a time");
    let (sign, digits) = match digits.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, digits.strip_prefix('+').unwrap_or(digits)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let mut fraction = fraction.to_owned();
    fraction.truncate(scale);
    while fraction.len() < scale {
        fraction.push('0');
    }
    let value: i64 = format!("{whole}{fraction}").parse().map_err(|_| bad())?;
    Ok(sign * value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blanks_inside_quotes_belong_to_the_word() {
        let line = r#"from=`"Desk, 4" <sip:a@b>` x-a="b c"  plain"#;
        assert_eq!(words(line).unwrap(), [r#"from="Desk, 4" <sip:a@b>"#, "x-a=b c", "plain"]);
        assert_eq!(words("x=`a").unwrap_err(), "` is not closed");
    }

    #[test]
    fn a_uri_with_parameters_is_no_pair() {
        assert_eq!(pair("sip:a@b;transport=tls"), None);
        assert_eq!(pair("vlan=10,20"), Some(("vlan", "10,20")));
        assert!(address("[2001:db8::1]:5060").is_some() && address("sbc").is_none());
    }

    #[test]
    fn times_and_numbers_have_units_and_ranges() {
        assert_eq!(time("1.25"), Ok(1_250_000_000));
        assert_eq!(time("-0.4ms"), Ok(-400_000));
        assert_eq!(time("+5s"), Ok(5_000_000_000));
        assert!(time("5h").is_err() && time("x").is_err());
        assert_eq!(number::<u8>("ttl", "64"), Ok(64));
        assert_eq!(number::<u32>("ssrc", "0xdeadbeef"), Ok(0xdead_beef));
        assert!(number::<u8>("ttl", "300").is_err());
    }
}
