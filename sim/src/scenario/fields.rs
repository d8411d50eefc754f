//! The arguments and properties of one node, taken one by one; whatever is left over is a mistake.

use super::kdl::DURATION_MAX;
use super::mistake::{Mistake, nearest};
use super::params::Param;
use super::{Value, text};
use crate::host;
use kdl::{KdlDocument, KdlEntry, KdlNode, KdlValue};
use seedbed_engine::Config;
use seedbed_engine::time::Duration;
use std::ops::RangeInclusive;

/// One node while it is read.
pub(super) struct Fields<'a> {
    file: &'a str,
    node: &'a KdlNode,
    /// Values without a name, those that were not taken yet.
    arguments: Vec<&'a KdlEntry>,
    /// Values with a name, likewise.
    properties: Vec<(&'a str, &'a KdlEntry)>,
    /// Names that were asked for, to suggest.
    asked: Vec<&'static str>,
}

impl<'a> Fields<'a> {
    pub(super) fn new(file: &'a str, node: &'a KdlNode) -> Result<Self, Mistake> {
        let mut fields = Self {
            file,
            node,
            arguments: Vec::new(),
            properties: Vec::new(),
            asked: Vec::new(),
        };
        for entry in node.entries() {
            match entry.name() {
                None => fields.arguments.push(entry),
                Some(name) if fields.properties.iter().any(|(known, _)| *known == name.value()) => {
                    return Err(fields.at(entry, format!("{} is set twice.", name.value())));
                }
                Some(name) => fields.properties.push((name.value(), entry)),
            }
        }
        fields.arguments.reverse();
        Ok(fields)
    }

    pub(super) fn child(&self, node: &'a KdlNode) -> Result<Self, Mistake> {
        Self::new(self.file, node)
    }

    /// The nodes in its braces.
    pub(super) fn children(&self) -> impl Iterator<Item = &'a KdlNode> + use<'a> {
        self.node.children().into_iter().flat_map(KdlDocument::nodes)
    }

    /// A mistake at the node's name.
    pub(super) fn mistake(&self, text: impl Into<String>) -> Mistake {
        // a node's span begins with the white space before it
        let from = self.node.name().span().offset();
        Mistake::at(self.file, from, text)
    }

    fn at(&self, entry: &KdlEntry, text: impl Into<String>) -> Mistake {
        let offset = entry.span().offset();
        let blank = self
            .file
            .get(offset..)
            .map_or(0, |rest| rest.len() - rest.trim_start().len());
        Mistake::at(self.file, offset + blank, text)
    }

    /// The next value without a name.
    pub(super) fn next_argument(&mut self) -> Result<Option<String>, Mistake> {
        let Some(entry) = self.arguments.pop() else {
            return Ok(None);
        };
        match entry.value().as_string() {
            Some(text) => Ok(Some(text.into())),
            None => Err(self.at(entry, format!("{} is no name.", entry.value()))),
        }
    }

    pub(super) fn text_argument(&mut self, what: &str) -> Result<String, Mistake> {
        self.next_argument()?
            .ok_or_else(|| self.mistake(format!("Expected {what} behind {}.", self.node.name().value())))
    }

    /// The next value without a name, if it is not one of the words that may stand behind it.
    pub(super) fn name_or(&mut self, usual: &str) -> Result<String, Mistake> {
        Ok(self.next_argument()?.unwrap_or_else(|| usual.into()))
    }

    /// The next value without a name: one of these, or nothing.
    pub(super) fn next_word(&mut self, known: &[&'static str]) -> Result<Option<String>, Mistake> {
        let Some(entry) = self.arguments.last().copied() else {
            return Ok(None);
        };
        let word = self.next_argument()?.unwrap_or_default();
        if !known.contains(&word.as_str()) {
            let hint = nearest(&word, known.iter().copied());
            return Err(self.at(entry, format!("{word} means nothing here: {hint}")));
        }
        Ok(Some(word))
    }

    fn take(&mut self, name: &'static str) -> Option<&'a KdlEntry> {
        self.asked.push(name);
        let at = self.properties.iter().position(|(known, _)| *known == name)?;
        Some(self.properties.remove(at).1)
    }

    pub(super) fn number(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<i64>, Mistake> {
        let Some(entry) = self.take(name) else {
            return Ok(None);
        };
        let number = entry.value().as_integer().and_then(|n| i64::try_from(n).ok());
        number.filter(|n| range.contains(n)).map(Some).ok_or_else(|| {
            let (low, high) = range.into_inner();
            self.at(entry, format!("{name} is a whole number from {low} to {high}."))
        })
    }

    pub(super) fn count(
        &mut self,
        name: &'static str,
        range: RangeInclusive<i64>,
    ) -> Result<Option<u32>, Mistake> {
        Ok(self.number(name, range)?.and_then(|n| u32::try_from(n).ok()))
    }

    /// A whole number of 64 bits.
    pub(super) fn seed(&mut self, name: &'static str) -> Result<Option<u64>, Mistake> {
        let Some(entry) = self.take(name) else {
            return Ok(None);
        };
        let number = entry.value().as_integer().and_then(|n| u64::try_from(n).ok());
        number
            .map(Some)
            .ok_or_else(|| self.at(entry, format!("{name} is a whole number of at most 64 bits.")))
    }

    pub(super) fn flag(&mut self, name: &'static str) -> Result<bool, Mistake> {
        let Some(entry) = self.take(name) else {
            return Ok(false);
        };
        let on = entry.value().as_bool();
        on.ok_or_else(|| self.at(entry, format!("{name} is #true or #false.")))
    }

    /// A text with a meaning of its own.
    pub(super) fn quantity<T>(
        &mut self,
        name: &'static str,
        what: &str,
        read: impl Fn(&str) -> Option<T>,
    ) -> Result<Option<T>, Mistake> {
        let Some(entry) = self.take(name) else {
            return Ok(None);
        };
        let value = entry.value().as_string().and_then(read);
        value
            .map(Some)
            .ok_or_else(|| self.at(entry, format!("{name} is {what}.")))
    }

    pub(super) fn duration(&mut self, name: &'static str) -> Result<Option<Duration>, Mistake> {
        self.quantity(
            name,
            "a time such as \"20s\" or \"150ms\", at most 366 days",
            |text| text::duration(text).filter(|duration| *duration <= DURATION_MAX),
        )
    }

    /// Every property that is left has to be one of these.
    pub(super) fn known(&mut self, params: impl Iterator<Item = &'static Param>) -> Result<(), Mistake> {
        let known: Vec<&str> = params.map(|param| param.name).collect();
        let unknown = self.properties.iter().find(|(name, _)| !known.contains(name));
        match unknown {
            None => Ok(()),
            Some((name, entry)) => {
                let hint = nearest(name, known.iter().copied());
                let text = format!("{} has no {name}: {hint}", self.node.name().value());
                Err(self.at(entry, text))
            }
        }
    }

    /// All properties that are left, as settings of an engine.
    pub(super) fn settings(&mut self) -> Result<Vec<(String, Value)>, Mistake> {
        let mut config = Config::default();
        for (name, entry) in &self.properties {
            if !host::config_names().any(|known| known == *name) {
                let known = self.asked.iter().copied().chain(host::config_names());
                return Err(self.at(
                    entry,
                    format!("An engine has no {name}: {}", nearest(name, known)),
                ));
            }
            host::set_config(&mut config, name, &self.value(entry)?)
                .map_err(|text| self.at(entry, format!("{text}.")))?;
        }
        self.rest()
    }

    /// All properties that are left, in their order.
    pub(super) fn rest(&mut self) -> Result<Vec<(String, Value)>, Mistake> {
        let rest = std::mem::take(&mut self.properties);
        let value = |(name, entry): (&str, &KdlEntry)| Ok((name.to_owned(), self.value(entry)?));
        rest.into_iter().map(value).collect()
    }

    fn value(&self, entry: &KdlEntry) -> Result<Value, Mistake> {
        match entry.value() {
            KdlValue::String(text) => Ok(Value::Text(text.clone())),
            KdlValue::Bool(on) => Ok(Value::Bool(*on)),
            KdlValue::Integer(number) => i64::try_from(*number)
                .map(Value::Int)
                .map_err(|_| self.at(entry, "A number has at most 64 bits.")),
            KdlValue::Float(_) | KdlValue::Null => Err(self.at(
                entry,
                "Expected a whole number, a text in quotes, #true or #false.",
            )),
        }
    }

    pub(super) fn no_children(&self) -> Result<(), Mistake> {
        match self.children().next() {
            None => Ok(()),
            Some(node) => Err(Mistake::at(
                self.file,
                node.name().span().offset(),
                format!("Nothing can stand within {}.", self.node.name().value()),
            )),
        }
    }

    /// Nothing may be left over.
    pub(super) fn end(&self) -> Result<(), Mistake> {
        if let Some(entry) = self.arguments.last() {
            let text = format!(
                "{} has no name: parameters are written name=value.",
                entry.value()
            );
            return Err(self.at(entry, text));
        }
        if let Some((name, entry)) = self.properties.first() {
            let hint = nearest(name, self.asked.iter().copied());
            let text = format!("{} has no {name}: {hint}", self.node.name().value());
            return Err(self.at(entry, text));
        }
        Ok(())
    }
}
