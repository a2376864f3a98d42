//! The model that ships, against the trainer's own arithmetic, against damage, and against floors of accuracy.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, clippy::indexing_slicing, clippy::disallowed_methods)]

use pointsman::domain::{Domain, decide};
use pointsman::model::{Model, ModelError};
use serde::Deserialize;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

static WEIGHTS: &[u8] = include_bytes!("../models/weights.safetensors");
static MODEL: LazyLock<Model> = LazyLock::new(|| Model::load(WEIGHTS).expect("the model that ships loads"));

fn models() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("models")
}

#[derive(Deserialize)]
struct Vector {
    text: String,
    ids: Vec<i32>,
    probabilities: Vec<f32>,
}

#[test]
fn agrees_with_the_trainer() {
    let file = std::fs::read(models().join("vectors.json")).unwrap();
    let vectors: Vec<Vector> = serde_json::from_slice(&file).unwrap();
    assert!(vectors.len() >= 200, "{} vectors", vectors.len());
    for Vector { text, ids, probabilities } in vectors {
        assert_eq!(MODEL.ids(&text), ids, "ids of {text:?}");
        let scores = MODEL.classify(&text).unwrap();
        assert_eq!(scores.probabilities.len(), probabilities.len());
        for (found, expected) in scores.probabilities.iter().zip(probabilities) {
            assert!((found - expected).abs() < 1e-3, "{text:?}: {found} against {expected}");
        }
    }
}

/// Sentences that training did not cover: by their script, and the last three by what the table knows of them.
const FOREIGN: [&str; 15] = [
    "რა განსხვავებაა მიტოზსა და მეიოზს შორის?",
    "ሰላም፣ የጭንቅላት ሕመም አለብኝ፣ ምን ላድርግ?",
    "Ինչպե՞ս հաշվել եռանկյան մակերեսը",
    "ಕನ್ನಡದಲ್ಲಿ ಒಂದು ಕವಿತೆ ಬರೆಯಿರಿ",
    "నా ఉద్యోగ ఒప్పందాన్ని ఎలా రద్దు చేయాలి?",
    "ഒരു ത്രികോണത്തിന്റെ വിസ്തീർണ്ണം എങ്ങനെ കണ്ടെത്താം?",
    "કૃપા કરીને મને મદદ કરો",
    "ਮੇਰੇ ਸਿਰ ਵਿੱਚ ਦਰਦ ਹੈ",
    "ကျွန်တော့်ကို ကူညီပါ",
    "ខ្ញុំត្រូវការជំនួយ",
    "ຂ້ອຍຕ້ອງການຄວາມຊ່ວຍເຫຼືອ",
    "ᐃᓄᒃᑎᑐᑦ ᐅᖃᐅᓯᖅ",
    "Үшбұрыштың ауданын тек қабырғалары белгілі болса қалай есептеймін?",
    "Гурвалжны зөвхөн талуудыг мэдэж байвал талбайг хэрхэн олох вэ?",
    "چۆن دەتوانم ڕووبەری سێگۆشەیەک بدۆزمەوە ئەگەر تەنها لاکانی بزانم؟",
];

#[test]
fn what_training_never_saw_is_unsure() {
    for text in FOREIGN {
        let scores = MODEL.classify(text).unwrap();
        assert!(scores.foreign, "{text}");
        assert!(matches!(decide(&scores, 0.0), Domain::Unsure { confidence: 0.0, .. }), "{text}");
    }
    for text in ["", "   \n", "\u{301}"] {
        let scores = MODEL.classify(text).unwrap();
        assert!(matches!(decide(&scores, 0.0), Domain::Unsure { confidence: 0.0, .. }), "{text:?}");
    }
}

fn leaked(bytes: Vec<u8>) -> &'static [u8] {
    Box::leak(bytes.into_boxed_slice())
}

/// Where the tensors start: behind the header's length and the header.
fn header_end() -> usize {
    8 + usize::try_from(u64::from_le_bytes(WEIGHTS[..8].try_into().unwrap())).unwrap()
}

#[test]
fn a_cut_file_is_refused() {
    let body = header_end();
    let ends = (0..body).chain((body..WEIGHTS.len()).step_by(10_007)).chain([WEIGHTS.len() - 1]);
    for end in ends {
        let refused = Model::load(&WEIGHTS[..end]);
        assert!(matches!(refused, Err(ModelError::NotSafetensors { .. })), "cut at {end}");
    }
}

#[test]
fn damage_is_refused_or_harmless() {
    // xorshift64 with a fixed seed. Most damage goes where it matters, into the header; some into the small matrices behind the table.
    let mut state = 0x9E37_79B9_7F4A_7C15u64;
    let mut next = move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state as usize
    };
    let body = header_end();
    let mut loaded = 0;
    for round in 0..100 {
        let mut bytes = WEIGHTS.to_vec();
        let place = if round % 4 == 0 { next() % bytes.len() } else { next() % body };
        bytes[place] = next() as u8;
        if let Ok(model) = Model::load(leaked(bytes)) {
            loaded += 1;
            model.classify("what is the boiling point of ethanol").unwrap();
        }
    }
    assert!(loaded < 75, "no damage was ever noticed");
    for length in 0..200 {
        assert!(Model::load(leaked((0..length).map(|_| next() as u8).collect())).is_err());
    }
}

/// The header's text changed, at the same length, so that the file stays whole.
fn changed(from: &str, to: &str) -> Result<Model, ModelError> {
    assert_eq!(from.len(), to.len());
    let body = header_end();
    let header = std::str::from_utf8(&WEIGHTS[8..body]).unwrap();
    assert!(header.contains(from), "{from} in {header}");
    let mut bytes = WEIGHTS.to_vec();
    bytes[8..body].copy_from_slice(header.replacen(from, to, 1).as_bytes());
    Model::load(leaked(bytes))
}

#[test]
fn what_does_not_fit_is_named() {
    for (from, to, message) in [
        (r#""version":"1""#, r#""version":"7""#, "'version' in the model's metadata must be 1, but '7' was found"),
        (r#""version""#, r#""perver5""#, "the model's metadata has no 'version'"),
        ("fnv1a32", "crc--32", "'features' in the model's metadata must be fnv1a32-"),
        (r#"[\"biology\","#, r#"{\"biology\","#, "'labels' in the model's metadata must be a JSON list of 2 to 32 names, but '{"),
        (r#""hidden.bias""#, r#""hidden.bios""#, "the model has no tensor 'hidden.bias'"),
        (
            r#""fingerprints":{"dtype":"U8""#,
            r#""fingerprints":{"dtype":"I8""#,
            "tensor 'fingerprints' of the model must be U8 [any], but I8 [",
        ),
        ("latin:", "runes:", "'scripts' in the model's metadata must be name:floor with names out of latin,"),
        (r#""power":"0"#, r#""power":"9"#, "'power' in the model's metadata must be a number from 0 to 1, but '9"),
    ] {
        let error = changed(from, to).expect_err(to).to_string();
        assert!(error.starts_with(message), "{error}\n expected {message}");
    }
}

#[derive(Deserialize)]
struct Labelled {
    text: String,
    label: String,
    #[serde(default)]
    alt: Vec<String>,
    #[serde(default)]
    source: String,
    #[serde(default)]
    split: String,
}

/// Percent right of the rows that `keep` wants; an accepted alternative is right.
fn accuracy(path: &Path, keep: impl Fn(&Labelled) -> bool) -> Option<f32> {
    let Ok(text) = std::fs::read_to_string(path) else {
        println!("skipped: {} is absent (POINTSMAN_DATA names the folder of the public sets)", path.display());
        return None;
    };
    let rows: Vec<Labelled> = text.lines().map(|line| serde_json::from_str(line).unwrap()).filter(&keep).collect();
    let right = rows.iter().filter(|row| {
        let label = &MODEL.labels()[MODEL.classify(&row.text).unwrap().best().0];
        *label == row.label || row.alt.contains(label)
    });
    let percent = 100.0 * right.count() as f32 / rows.len() as f32;
    println!("{}: {percent:.1} % of {} right", path.display(), rows.len());
    Some(percent)
}

fn at_least(floor: f32, path: &Path, keep: impl Fn(&Labelled) -> bool) {
    if let Some(percent) = accuracy(path, keep) {
        assert!(percent >= floor, "{percent} % is below the floor of {floor} % on {}", path.display());
    }
}

#[test]
fn accuracy_keeps_its_floors() {
    let data = std::env::var_os("POINTSMAN_DATA").map_or_else(|| models().join("../../shared/data"), PathBuf::from);
    at_least(78.0, &data.join("domains.jsonl"), |row| row.source == "mmlu-pro" && row.split == "test");
    at_least(74.0, &data.join("dev_real_prompts.jsonl"), |_| true);
    at_least(76.0, &models().join("text/validation.jsonl"), |_| true);
}
