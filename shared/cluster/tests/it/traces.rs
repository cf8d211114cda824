//! Spans of a worker belong to the trace of the api process that called.

use bus::{Backend, Payload};
use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::trace::{InMemorySpanExporter, SdkTracerProvider};
use tracing::Instrument;
use tracing_subscriber::layer::SubscriberExt;

use crate::fake_owner::{World, ask, said};

#[tokio::test]
async fn the_span_of_a_worker_is_a_child_of_the_callers() {
    let spans = InMemorySpanExporter::default();
    let provider = SdkTracerProvider::builder().with_simple_exporter(spans.clone()).build();
    let collecting = tracing_opentelemetry::layer().with_tracer(provider.tracer("test"));
    let _here = tracing::subscriber::set_default(tracing_subscriber::registry().with(collecting));
    let world = World::new();
    let worker = world.worker("a").await;
    world.own("t", &worker, 1);
    worker.owner.says(Ok(Payload::Text("done".to_owned())));
    let span = tracing::info_span!("request");
    let answer = world.router.ask(ask("OpenedOrders", &[("id", "t")])).instrument(span).await;
    assert_eq!(said(&answer), "done");
    let named = |name: &str| {
        let all = spans.get_finished_spans().unwrap();
        all.into_iter().find(|span| span.name == name)
    };
    testkit::eventually("both spans end", async || named("call").and(named("request"))).await;
    let (call, request) = (named("call").unwrap(), named("request").unwrap());
    assert_eq!(call.span_context.trace_id(), request.span_context.trace_id());
    assert_eq!(call.parent_span_id, request.span_context.span_id());
    assert!(call.parent_span_is_remote);
}
