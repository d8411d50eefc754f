//! The page itself: a template with the data in it.
//!
//! The data holds texts of strangers: names, clients, what trackers say. They stand in one element as JSON in which no
//! character is left that HTML knows, and the script of the page only ever sets them as text.

use super::data::Data;

const TEMPLATE: &str = include_str!("page.html");
const STYLE: &str = include_str!("page.css");
const SCRIPT: &str = include_str!("page.js");

/// The page of this data.
pub(super) fn page(data: &Data) -> String {
    // numbers, texts and lists: nothing of it can fail to be JSON
    let json = serde_json::to_string(data).unwrap_or_else(|_| "{}".into());
    // each mark is there once, and what is put in is not looked at again
    let mut rest = TEMPLATE;
    let mut page = String::with_capacity(TEMPLATE.len() + STYLE.len() + SCRIPT.len() + json.len());
    for (mark, text) in [
        ("{{style}}", STYLE),
        ("{{data}}", &inert(&json)),
        ("{{script}}", SCRIPT),
    ] {
        let (before, after) = rest.split_once(mark).unwrap_or((rest, ""));
        page.push_str(before);
        page.push_str(text);
        rest = after;
    }
    page.push_str(rest);
    page
}

/// The same JSON without the characters that end an element, begin one, or end a line of a script. In JSON these are
/// found within strings only, where an escape means the same.
fn inert(json: &str) -> String {
    let mut text = String::with_capacity(json.len());
    for c in json.chars() {
        match c {
            '<' | '>' | '&' | '\'' | '\u{2028}' | '\u{2029}' => {
                text.push_str(&format!("\\u{:04x}", u32::from(c)));
            }
            _ => text.push(c),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inert_json_says_the_same() {
        let hostile = "</script><!-- <script> & ' \" \\ \u{2028}\u{2029} {{script}} \u{1f600} \u{7f}";
        let json = serde_json::to_string(hostile).expect("JSON");
        let inert = inert(&json);
        for c in ['<', '>', '&', '\'', '\u{2028}', '\u{2029}'] {
            assert!(!inert.contains(c), "{c:?} in {inert}");
        }
        assert_eq!(serde_json::from_str::<String>(&inert).expect("JSON"), hostile);
    }

    #[test]
    fn each_part_stands_in_the_page_once() {
        let page = page(&Data {
            what: "{{script}} {{style}}".into(),
            ..Data::default()
        });
        assert_eq!(page.matches("<script").count(), 2);
        assert_eq!(page.matches("</script>").count(), 2);
        assert!(page.contains("{{script}} {{style}}"), "foreign text is no mark");
        assert!(page.trim_end().ends_with("</html>"));
        for part in [TEMPLATE, STYLE, SCRIPT] {
            assert!(!part.contains("http:") && !part.contains("https:") && !part.contains("innerHTML"));
        }
        assert!(!SCRIPT.contains("</") && !STYLE.contains("</"));
    }
}
