//! The examples run. They are compiled in here rather than run by cargo, which would build the program again in another profile.

#[path = "../examples/classify.rs"]
mod classify;
#[path = "../examples/evaluate.rs"]
mod evaluate;
#[path = "../examples/train.rs"]
mod train;

#[test]
fn train_runs() {
    train::main().expect("the example works");
}

#[test]
fn classify_runs() {
    classify::main().expect("the example works");
}

#[test]
fn evaluate_runs() {
    evaluate::main().expect("the example works");
}
