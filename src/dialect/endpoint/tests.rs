#![allow(clippy::unwrap_used)]
use super::*;

#[test]
fn paths_are_known_by_their_end_and_seen_through() {
    let cases = [
        ("/v1/chat/completions", Dialect::OpenAiChat),
        ("/chat/completions?api-version=2024-10-21", Dialect::OpenAiChat),
        ("/v1/chat/completions/", Dialect::OpenAiChat),
        ("//v1//chat//completions", Dialect::OpenAiChat),
        ("/openai/deployments/gpt-4o/chat/completions", Dialect::OpenAiChat),
        ("/v1/chat%2Fcompletions", Dialect::OpenAiChat),
        ("/v1/%63hat/completions", Dialect::OpenAiChat),
        ("/V1/Chat/Completions", Dialect::OpenAiChat),
        ("/v1/chat/completions;x=1", Dialect::OpenAiChat),
        ("/v1/completions", Dialect::OpenAiCompletions),
        ("/v1/responses", Dialect::OpenAiResponses),
        ("/v1/embeddings", Dialect::OpenAiEmbeddings),
        ("/anthropic/v1/messages", Dialect::AnthropicMessages),
        ("/v2/chat", Dialect::CohereChat),
        ("/api/chat", Dialect::OllamaChat),
        ("/api/generate", Dialect::OllamaGenerate),
        ("/v1beta/models/gemini-2.5-flash:generateContent", Dialect::Gemini),
        ("/v1/projects/p/locations/l/publishers/google/models/g:streamGenerateContent?alt=sse", Dialect::Gemini),
        ("/model/anthropic.claude-3-haiku-20240307-v1%3A0/converse", Dialect::BedrockConverse),
        ("/model/x/converse-stream", Dialect::BedrockConverse),
    ];
    for (path, dialect) in cases {
        assert_eq!(Endpoint::of_path(path).map(|endpoint| endpoint.dialect), Some(dialect), "{path}");
    }
    let none = [
        "",
        "/",
        "/v1/chat/completions/x",
        "/v1/chat/completions%",
        "/v1/messages/count_tokens",
        "/v1/messages/batches",
        "/v1/responses/resp_1",
        "/v1beta/models/g:countTokens",
        "/v1beta/models/:generateContent",
        "/v1/models",
        "/v1/threads/t/messages",
        "/v1/agents/completions",
        "/v1/chat",
        "/model/converse",
        "/?x=/v1/chat/completions",
    ];
    for path in none {
        assert_eq!(Endpoint::of_path(path), None, "{path}");
    }
}

#[test]
fn a_model_in_the_path_is_read_and_replaced() {
    let cases = [
        ("/v1beta/models/auto:streamGenerateContent?alt=sse", "auto", "/v1beta/models/a%2Fb:streamGenerateContent?alt=sse"),
        ("/p/models/x.y:generateContent/", "x.y", "/p/models/a%2Fb:generateContent/"),
        ("/model/us.anthropic.claude%3A0/converse", "us.anthropic.claude:0", "/model/a%2Fb/converse"),
        (
            "/openai/deployments/gpt-4o/chat/completions?api-version=1",
            "gpt-4o",
            "/openai/deployments/a%2Fb/chat/completions?api-version=1",
        ),
        ("/openai/deployments/e/embeddings", "e", "/openai/deployments/a%2Fb/embeddings"),
        ("/v1/publishers/anthropic/models/claude:rawPredict", "claude", "/v1/publishers/anthropic/models/a%2Fb:rawPredict"),
        ("/model/arn%3Aaws%3Abedrock%3A%3A%3Ax%2Fabc1/converse", "arn:aws:bedrock:::x/abc1", "/model/a%2Fb/converse"),
        ("/model/auto//converse-stream", "auto", "/model/a%2Fb//converse-stream"),
        ("/v1beta%2Fmodels%2Fauto%3AgenerateContent?k=%20", "auto", "/v1beta/models/a%2Fb:generateContent?k=%20"),
    ];
    for (path, model, replaced) in cases {
        let endpoint = Endpoint::of_path(path).unwrap();
        assert_eq!(endpoint.model().as_deref(), Some(model), "{path}");
        assert_eq!(endpoint.with_model("a/b").as_deref(), Some(replaced), "{path}");
    }
    assert_eq!(Endpoint::of_path("/v1/responses").unwrap().with_model("x"), None);
}
