//! A citizen of linfa: its datasets go in, its traits are answered, its errors come through.

use linfa::dataset::{AsTargets, Records};
use linfa::prelude::*;
use ndarray::{Array1, array};
use rapporteur::Error;
use rapporteur::features::{Documents, Frequency, Vectoriser, VectoriserParams};
use rapporteur::linear::{ClassWeight, LinearClassifier, LinearParams, Loss};
use rapporteur::sparse::SparseMatrix;

const TEXTS: [&str; 6] = [
    "Lift the embargo at once.",
    "The embargo must stay in force.",
    "No embargo has ever fed a child.",
    "The mission needs more troops.",
    "Send troops to the mission.",
    "Recall the troops.",
];

fn targets() -> Array1<usize> {
    array![0, 0, 0, 1, 1, 1]
}

fn vectorised() -> Result<(Vectoriser, SparseMatrix), Error> {
    let documents: Documents = TEXTS.into_iter().collect();
    let dataset = DatasetBase::new(documents, targets());
    let params = VectoriserParams::default().min_df(Frequency::Count(1));
    // By way of linfa's traits alone: the guard's blanket `Fit`, and `Transformer`.
    let vectoriser: Vectoriser = params.fit(&dataset)?;
    let x = vectoriser.transform(dataset.records());
    Ok((vectoriser, x))
}

#[test]
fn a_vectoriser_fits_and_transforms() -> Result<(), Error> {
    let (vectoriser, x) = vectorised()?;
    assert_eq!((x.nsamples(), x.nfeatures()), (TEXTS.len(), vectoriser.width()));
    let documents: Documents = TEXTS.into_iter().collect();
    assert_eq!(x, vectoriser.transform_rows(&documents, &[0, 1, 2, 3, 4, 5]));
    assert_eq!((documents.nsamples(), documents.nfeatures()), (TEXTS.len(), documents.forms().len()));
    Ok(())
}

#[test]
fn a_classifier_fits_and_predicts() -> Result<(), Error> {
    let (_, x) = vectorised()?;
    let dataset = DatasetBase::new(x, targets());
    assert_eq!((dataset.nsamples(), dataset.as_targets().len()), (6, 6));
    for loss in [Loss::Logistic, Loss::Svm] {
        let params = LinearParams::default().loss(loss).c(10.0);
        // Unchecked parameters fit through the guard, checked ones directly.
        let classifier: LinearClassifier = params.fit(&dataset)?;
        assert_eq!(classifier, params.clone().check()?.fit(&dataset)?);
        // All of `Predict`'s forms.
        assert_eq!(classifier.predict(dataset.records()), targets());
        assert_eq!(classifier.predict(&dataset), targets());
        let mut out = classifier.default_target(dataset.records());
        classifier.predict_inplace(dataset.records(), &mut out);
        assert_eq!(out, targets());
        let labelled = classifier.predict(dataset.clone());
        assert_eq!(labelled.targets, targets());
        // Probabilities and coefficients are ndarrays.
        let probabilities = classifier.predict_proba(dataset.records());
        assert_eq!(probabilities.dim(), (6, 2));
        assert!(probabilities.rows().into_iter().all(|p| (p.sum() - 1.0).abs() < 1e-12));
        assert_eq!(classifier.coefficients().dim(), (2, dataset.nfeatures()));
        // linfa's own metrics take what we predict.
        let confusion = classifier.predict(&dataset).confusion_matrix(&dataset.targets)?;
        assert_eq!(confusion.accuracy(), 1.0);
    }
    Ok(())
}

#[test]
fn weights_of_a_dataset_count() -> Result<(), Error> {
    let mut x = SparseMatrix::with_cols(1);
    (0..4).for_each(|_| x.push_row([(0, 1.0)]));
    let dataset = DatasetBase::new(x, array![0usize, 0, 1, 1]);
    let params = LinearParams::default().tolerance(1e-6);
    let even = params.fit(&dataset)?.predict_proba(dataset.records());
    assert!((even[(0, 0)] - 0.5).abs() < 1e-3);
    let weighted = dataset.clone().with_weights(array![1.0, 1.0, 9.0, 9.0]);
    let skewed = params.fit(&weighted)?.predict_proba(dataset.records());
    assert!(skewed[(0, 1)] > 0.6, "{skewed}");
    for bad in [array![1.0f32, 1.0, f32::NAN, 1.0], array![1.0, -1.0, 1.0, 1.0], array![1.0]] {
        let result = params.fit(&dataset.clone().with_weights(bad.clone()));
        assert!(matches!(result, Err(Error::Corpus { .. })), "{bad}");
    }
    Ok(())
}

#[test]
fn guards_refuse_and_errors_convert() {
    let refused = [
        LinearParams::default().c(0.0).check().err(),
        LinearParams::default().c(f64::NAN).check().err(),
        LinearParams::default().tolerance(-1.0).check().err(),
        LinearParams::default().max_epochs(0).check().err(),
        LinearParams::default().intercept_scaling(f64::INFINITY).check().err(),
        LinearParams::default().class_weight(ClassWeight::Given(vec![1.0, -1.0])).check().err(),
        VectoriserParams::default().word_ngrams(None).check().err(),
        VectoriserParams::default().max_features(Some(0)).check().err(),
        VectoriserParams::default().min_df(Frequency::Share(1.5)).check().err(),
    ];
    assert!(refused.iter().all(|e| matches!(e, Some(Error::Parameter { .. }))), "{refused:?}");
    // A refused parameter is refused by `fit` too.
    let dataset = DatasetBase::new(SparseMatrix::with_cols(1), Array1::<usize>::zeros(0));
    assert!(matches!(LinearParams::default().c(0.0).fit(&dataset), Err(Error::Parameter { .. })));
    assert!(matches!(LinearParams::default().fit(&dataset), Err(Error::Corpus { .. })));

    // `?` takes linfa's errors up into ours.
    fn foreign() -> Result<(), Error> {
        Err(linfa::Error::Parameters("from elsewhere".into()))?
    }
    match foreign() {
        Err(Error::Linfa(linfa::Error::Parameters(why))) => assert_eq!(why, "from elsewhere"),
        other => panic!("{other:?}"),
    }
}
