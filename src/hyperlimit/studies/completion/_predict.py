"""New images completed by a model file."""

from pathlib import Path

import numpy as np

from hyperlimit.data import Images, folder, require_images, whole_files, write_image
from hyperlimit.errors import InputError
from hyperlimit.plotting import completions_figure
from hyperlimit.studies._provenance import provenance
from hyperlimit.studies._reporter import Reporter
from hyperlimit.studies._write_json import write_json
from hyperlimit.studies.completion._measures import errors
from hyperlimit.studies.completion._model_file import CompletionModel, load_model
from hyperlimit.studies.completion._problem import meta_inputs
from hyperlimit.studies.completion._run import (
    SHOWN,
    VARIANCES,
    NewImages,
    predict_images,
    predictive_variance,
)


def predict(
    model_file: Path,
    images_folder: Path,
    out: Path,
    reporter: Reporter,
    *,
    resize: bool = False,
) -> dict:
    """Completes every image of a folder from the part that the model sees.

    Writes completed/NAME.png for each, completions.png of the first few with their
    predictive standard deviation, and metrics.json. What an image holds outside the
    seen part is not used; the error against it is reported for those who know it.

    Raises:
        InputError: for a model or a folder that cannot be read, or images of another
            size or number of channels than the model's.
    """
    with whole_files(out) as folder_out:
        require_images(images_folder)
        with reporter.stage("reading the model"):
            model = load_model(model_file)
        images = _images(model, images_folder, resize)
        new = _new_images(model, images)
        with reporter.stage(f"completing {images.n} images"):
            predicted = predict_images(model.fit, new, model.centre, model.scale)
        count = min(VARIANCES, SHOWN, images.n)
        with reporter.stage(f"error bars of {count} images"):
            variance = predictive_variance(model.fit, new.first(count), model.scale)
        # What is seen is known, and stays.
        shown = model.observed[None, :, :, None]
        whole = np.where(shown, images.pixels, predicted.reshape(images.pixels.shape))
        (folder_out / "completed").mkdir()
        for label, pixels in zip(images.labels, whole, strict=True):
            name = Path(label).stem + ".png"
            write_image(folder_out / "completed" / name, pixels)
        truth = images.pixels.reshape(predicted.shape)
        metrics = {
            "errors_against_given": errors(predicted, truth, ~model.observed.ravel()),
            "images": {"name": images.name, "count": images.n, "shape": images.shape},
            "config": model.config.as_dict(),
            "provenance": provenance(),
        }
        figure = completions_figure(
            images.pixels[:count],
            model.observed,
            predicted[:count],
            np.sqrt(variance.mean(axis=2)),
            truth_name="given",
        )
        figure.savefig(folder_out / "completions.png")
        write_json(folder_out / "metrics.json", metrics)
    return metrics


def _new_images(model: CompletionModel, images: Images) -> NewImages:
    pixels = images.pixels.reshape(images.n, -1, images.shape[2])
    conditioned = model.config.own_pixels and model.fit.takes_values
    return NewImages(
        meta_inputs(model.config.meta, images.pixels, model.observed, model.levels),
        (pixels - model.centre) / model.scale,
        model.observed.ravel() if conditioned else None,
    )


def _images(model: CompletionModel, where: Path, resize: bool) -> Images:
    height, width, channels = model.shape
    images = folder(where, (height, width) if resize else None)
    if images.shape[:2] != (height, width):
        raise InputError(
            f"the images in {str(where)!r} are {images.shape[0]}x{images.shape[1]} and "
            f"the model completes {height}x{width}: give --resize, or such images."
        )
    if images.shape[2] == 1 and channels == 3:
        return Images(np.repeat(images.pixels, 3, axis=3), images.name, images.labels)
    if images.shape[2] != channels:
        raise InputError(
            f"the images in {str(where)!r} are in colour and the model was fitted on "
            "grey ones: give grey images."
        )
    return images
