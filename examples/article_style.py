"""The article's style transfer in Keras on TensorFlow, repaired as little as possible, so that it runs on today's versions.

`python examples/article_style.py PHOTO ARTWORK --out styled.png` optimises the picture itself under VGG19. Needs `pip install tensorflow`;
nothing of Muslin. VGG19's weights come from Keras's cache, its download, or --weights FILE. Each repair is marked where it was made.
"""

import argparse

import keras
import tensorflow as tf

CONTENT = "block4_conv2"
STYLE = ("block1_conv1", "block2_conv1", "block3_conv1", "block4_conv1", "block5_conv1")  # repair 1: only the last pooled layer was used
WEIGHTS = [1 / len(STYLE)] * len(STYLE)  # repair 2: the text's w_l did not exist
ALPHA, BETA = 1.0, 1e-2  # repair 3: neither did the weights of the two losses


def load(path, size):
    """Repair 4: `content_image` and `style_image` did not exist. RGB in [0, 1], (1, size, size, 3)."""
    picture = keras.utils.img_to_array(keras.utils.load_img(path, target_size=(size, size)))
    return tf.constant(picture[None] / 255.0, tf.float32)


def build(weights):
    """VGG19 to the content's layer and the style's layers."""
    vgg = keras.applications.VGG19(include_top=False, weights=weights)
    vgg.trainable = False
    return keras.Model(vgg.input, [vgg.get_layer(name).output for name in (CONTENT, *STYLE)])


def features(model, image):
    """Repair 5: VGG19 takes BGR less the mean, in 0..255; pictures in [0, 1] were given to it."""
    content, *style = model(keras.applications.vgg19.preprocess_input(image * 255.0))
    return content, style


def gram_matrix(x):
    """Repair 6: `gram_matrix` did not exist. G = F F^T over the places, divided by their number."""
    shape = tf.shape(x)
    flat = tf.reshape(x, (-1, shape[3]))
    return tf.matmul(flat, flat, transpose_a=True) / tf.cast(shape[1] * shape[2], tf.float32)


def losses(model, image, wanted, grams):
    """L_content and L_style of a picture."""
    content, style = features(model, image)
    ours = [gram_matrix(x) for x in style]
    content_loss = 0.5 * tf.reduce_mean((content - wanted) ** 2)
    return content_loss, tf.add_n([w * tf.reduce_mean((a - b) ** 2) for w, a, b in zip(WEIGHTS, ours, grams, strict=True)])


def targets(model, content_image, style_image):
    """What the losses compare with: the content's features, the style's Gram matrices."""
    wanted = features(model, content_image)[0]  # repair 7: the content was compared with the *style's* features
    return wanted, [gram_matrix(x) for x in features(model, style_image)[1]]


def prepare(model, content_image, style_image, rate=0.02):
    """The article's steps 1 to 3: the picture as a variable, and the function that takes one step on it and gives the loss."""
    wanted, grams = targets(model, content_image, style_image)
    image = tf.Variable(content_image)  # repair 8: `image` did not exist
    optimizer = keras.optimizers.Adam(rate)  # repair 9: tf.train.AdamOptimizer is gone from TensorFlow 2

    @tf.function
    def step():
        # repair 10: both losses were constants computed outside the tape, and the total was called like a function
        with tf.GradientTape() as tape:
            content_loss, style_loss = losses(model, image, wanted, grams)
            loss = ALPHA * content_loss + BETA * style_loss
        optimizer.apply_gradients([(tape.gradient(loss, image), image)])
        image.assign(tf.clip_by_value(image, 0.0, 1.0))
        return loss

    return image, step


def style_transfer(model, content_image, style_image, steps):
    """The article's steps 1 to 5; the styled picture, (1, size, size, 3) in [0, 1]."""
    image, step = prepare(model, content_image, style_image)
    for number in range(1, steps + 1):
        loss = float(step())
        if number % 20 == 0 or number == steps:
            print(f"step {number} of {steps}: loss {loss:.4g}", flush=True)
    return image.numpy()


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("content")
    parser.add_argument("style")
    parser.add_argument("--weights", default="imagenet", help="imagenet, or vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5.")
    parser.add_argument("--size", type=int, default=256)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--out", default="styled.png")
    given = parser.parse_args()
    model = build(given.weights)
    styled = style_transfer(model, load(given.content, given.size), load(given.style, given.size), given.steps)
    keras.utils.save_img(given.out, styled[0] * 255.0, scale=False)  # repair 11: nothing was saved


if __name__ == "__main__":
    main()
