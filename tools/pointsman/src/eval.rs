//! `pointsman eval FILE…`: how often the classifier that ships is right, on labelled text.
//!
//! It reads JSON Lines, one object a line: `text` and `label`, and where known `lang`, `kind` and `alt` (labels that are right too). It prints
//! tables for people and, as the last line, one JSON object for programs. It prints no text of the file, only counts.

use pointsman::domain::{Domain, decide};
use pointsman::model::Model;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// One line of a file.
#[derive(Deserialize)]
struct Labelled {
    text: String,
    label: String,
    lang: Option<String>,
    kind: Option<String>,
    #[serde(default)]
    alt: Vec<String>,
}

/// One line, classified.
struct Answer {
    label: usize,
    guess: usize,
    confidence: f32,
    /// The guess is the label.
    exact: bool,
    /// The guess is the label or one of the alternatives.
    accepted: bool,
    lang: Option<String>,
    kind: Option<String>,
}

/// The last line of the output; fractions from 0 to 1.
#[derive(Serialize)]
struct Summary {
    n: usize,
    accuracy: f64,
    macro_f1: f64,
    /// Share decided at the threshold.
    coverage: f64,
    /// Accuracy of what is decided, alternatives accepted.
    accuracy_decided: f64,
    /// Expected calibration error over ten bins of confidence.
    ece: f64,
}

/// Runs the command on the given arguments; the text to print, or what is wrong.
pub fn run(model: &Model, arguments: &[String]) -> Result<String, String> {
    let mut threshold = model.threshold();
    let mut answers = Vec::new();
    let mut arguments = arguments.iter();
    while let Some(argument) = arguments.next() {
        if argument == "--threshold" {
            let value = arguments.next().map_or("", String::as_str);
            threshold = value.parse().map_err(|_| format!("--threshold takes a number from 0 to 1, but '{value}' was found"))?;
        } else {
            read(model, argument, &mut answers)?;
        }
    }
    if answers.is_empty() {
        return Err("usage: pointsman eval [--threshold X] FILE… (JSON Lines with text and label)".into());
    }
    let summary = summarize(&answers, model.labels().len(), threshold);
    let mut out = String::new();
    overview(&mut out, &answers, &summary, threshold);
    thresholds(&mut out, &answers, threshold);
    groups(&mut out, "language", &answers, |answer| answer.lang.as_deref());
    groups(&mut out, "kind", &answers, |answer| answer.kind.as_deref());
    confusion(&mut out, &answers, model.labels());
    out += &serde_json::to_string(&summary).map_err(|error| error.to_string())?;
    out.push('\n');
    Ok(out)
}

fn read(model: &Model, path: &str, answers: &mut Vec<Answer>) -> Result<(), String> {
    let text = std::fs::read_to_string(path).map_err(|error| format!("{path}: {error}"))?;
    for (number, line) in text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty()) {
        let place = || format!("{path}:{}", number + 1);
        let row: Labelled = serde_json::from_str(line).map_err(|error| format!("{}: {error}", place()))?;
        let label = model.labels().iter().position(|label| *label == row.label);
        let label =
            label.ok_or_else(|| format!("{}: expected one of {:?}, but '{}' was found", place(), model.labels(), row.label))?;
        let scores = model.classify(&row.text).map_err(|error| format!("{}: {error}", place()))?;
        // At threshold 0 everything that can be decided is; the thresholds of the tables are applied to the confidence.
        let (Domain::Sure { label: guess, confidence } | Domain::Unsure { label: guess, confidence }) = decide(&scores, 0.0);
        let exact = guess == label;
        let accepted = exact || model.labels().get(guess).is_some_and(|guess| row.alt.contains(guess));
        answers.push(Answer { label, guess, confidence, exact, accepted, lang: row.lang, kind: row.kind });
    }
    Ok(())
}

fn summarize(answers: &[Answer], labels: usize, threshold: f32) -> Summary {
    let decided = || answers.iter().filter(|answer| answer.confidence > 0.0 && answer.confidence >= threshold);
    Summary {
        n: answers.len(),
        accuracy: share(answers.iter().filter(|answer| answer.exact).count(), answers.len()),
        macro_f1: macro_f1(answers, labels),
        coverage: share(decided().count(), answers.len()),
        accuracy_decided: share(decided().filter(|answer| answer.accepted).count(), decided().count()),
        ece: calibration_error(answers),
    }
}

fn share(part: usize, whole: usize) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
}

/// The mean over the labels that occur of the harmonic mean of precision and recall.
fn macro_f1(answers: &[Answer], labels: usize) -> f64 {
    let scores: Vec<f64> = (0..labels)
        .filter(|&label| answers.iter().any(|answer| answer.label == label))
        .map(|label| {
            let hits = answers.iter().filter(|answer| answer.exact && answer.label == label).count();
            let uses = answers.iter().map(|answer| usize::from(answer.label == label) + usize::from(answer.guess == label)).sum();
            share(2 * hits, uses)
        })
        .collect();
    scores.iter().sum::<f64>() / scores.len().max(1) as f64
}

fn calibration_error(answers: &[Answer]) -> f64 {
    let mut bins = [(0usize, 0usize, 0.0f64); 10];
    for answer in answers {
        if let Some((n, right, confidence)) = bins.get_mut(((answer.confidence * 10.0) as usize).min(9)) {
            *n += 1;
            *right += usize::from(answer.exact);
            *confidence += f64::from(answer.confidence);
        }
    }
    let gaps = bins.iter().map(|&(_, right, confidence)| (right as f64 - confidence).abs());
    gaps.sum::<f64>() / answers.len().max(1) as f64
}

fn overview(out: &mut String, answers: &[Answer], summary: &Summary, threshold: f32) {
    let accepted = share(answers.iter().filter(|answer| answer.accepted).count(), answers.len());
    *out += &format!(
        "{} texts: {:.1} % right ({:.1} % with alternatives), macro-F1 {:.1} %, calibration error {:.3}\n\
         at {threshold}: {:.1} % decided, {:.1} % of those right\n",
        summary.n,
        100.0 * summary.accuracy,
        100.0 * accepted,
        100.0 * summary.macro_f1,
        summary.ece,
        100.0 * summary.coverage,
        100.0 * summary.accuracy_decided
    );
}

fn thresholds(out: &mut String, answers: &[Answer], chosen: f32) {
    *out += "\nthreshold  decided  right\n";
    let mut steps: Vec<f32> = (0..=9).map(|step| step as f32 / 10.0).collect();
    steps.push(chosen);
    steps.sort_by(f32::total_cmp);
    steps.dedup();
    for threshold in steps {
        let decided: Vec<&Answer> = answers.iter().filter(|answer| answer.confidence >= threshold).collect();
        let right = decided.iter().filter(|answer| answer.accepted).count();
        let (decided, right) = (share(decided.len(), answers.len()), share(right, decided.len()));
        *out += &format!("{threshold:9.2}  {:6.1}%  {:4.1}%\n", 100.0 * decided, 100.0 * right);
    }
}

fn groups(out: &mut String, name: &str, answers: &[Answer], of: impl Fn(&Answer) -> Option<&str>) {
    let mut counts: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
    for answer in answers {
        if let Some(group) = of(answer) {
            let (n, right) = counts.entry(group).or_default();
            *n += 1;
            *right += usize::from(answer.accepted);
        }
    }
    if counts.is_empty() {
        return;
    }
    *out += &format!("\n{name:12}     n  right\n");
    for (group, (n, right)) in counts {
        *out += &format!("{group:12} {n:5}  {:4.1}%\n", 100.0 * share(right, n));
    }
}

fn confusion(out: &mut String, answers: &[Answer], labels: &[String]) {
    *out += "\nrows: label, columns: guess\n";
    let short = |label: &String| label.chars().take(5).collect::<String>();
    *out += &format!("{:18}{}\n", "", labels.iter().map(|label| format!("{:>6}", short(label))).collect::<String>());
    for (row, label) in labels.iter().enumerate() {
        let count = |column: usize| answers.iter().filter(|answer| answer.label == row && answer.guess == column).count();
        let counts: String = (0..labels.len()).map(|column| format!("{:6}", count(column))).collect();
        *out += &format!("{label:18}{counts}\n");
    }
    out.push('\n');
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(label: usize, guess: usize, confidence: f32) -> Answer {
        Answer { label, guess, confidence, exact: label == guess, accepted: label == guess, lang: None, kind: None }
    }

    #[test]
    fn figures_of_a_small_set() {
        let answers = [answer(0, 0, 0.9), answer(0, 1, 0.4), answer(1, 1, 0.6), answer(1, 1, 0.0)];
        let summary = summarize(&answers, 3, 0.5);
        assert_eq!((summary.n, summary.accuracy, summary.coverage, summary.accuracy_decided), (4, 0.75, 0.5, 1.0));
        // Label 0: precision 1, recall 1/2; label 1: precision 2/3, recall 1; label 2 does not occur.
        assert!((summary.macro_f1 - (2.0 / 3.0 + 0.8) / 2.0).abs() < 1e-9);
        assert!((summary.ece - (0.1 + 0.4 + 0.4 + 1.0) / 4.0).abs() < 1e-6);
        assert_eq!(summarize(&[], 3, 0.5).accuracy, 0.0);
    }
}
