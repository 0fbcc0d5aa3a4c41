"""The figures of an evaluation in plain words, English and Chinese: what each is called, what it says, what is good. Text only."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Words:
    """A figure's name, what it says, and whether it is a share of 100."""

    en: str
    zh: str
    says_en: str
    says_zh: str
    better: int  # 1: more is better, -1: less is, 0: it depends
    share: bool = False


WORDS: dict[str, Words] = {
    "frechet": Words(
        "Fréchet distance on embedded features", "Fréchet 距离（内置特征）",
        "How far apart drafts and archive are as a whole. Smaller is better. It grows when there are few pictures, so hold it against the "
        "halves beside it, never against a published FID.",
        "样稿与档案整体上相距多远，越小越好。图片少时会偏大，因此请与旁边的“两半”对照，不可与文献中的 FID 相比。", -1,
    ),
    "kernel": Words(
        "Kernel distance × 1000", "核距离 × 1000",
        "The same question, without the bias of few pictures. Smaller is better; real against real is about zero, now and then below.",
        "同样的问题，但不受图片数量少的影响。越小越好；真实对真实约为零，偶尔略低于零。", -1,
    ),
    "precision": Words(
        "Precision", "精确率",
        "How many drafts lie where pictures of the archive lie: do they look real?",
        "有多少样稿落在档案图片所在的区域：看起来真实吗？", 1, True,
    ),
    "recall": Words(
        "Recall", "召回率",
        "How much of the archive lies where drafts lie: could the generator have drawn it?",
        "档案中有多少落在样稿所在的区域：生成器画得出来吗？", 1, True,
    ),
    "density": Words(
        "Density", "密度",
        "Like precision, but a lone odd picture of the archive counts little. About 1 is as good as real; it may be more.",
        "类似精确率，但档案里个别怪图影响很小。约为 1 即与真实相当，可大于 1。", 1,
    ),
    "coverage": Words(
        "Coverage", "覆盖率",
        "How many pictures of the archive have a draft near them: is the whole variety there?",
        "档案中有多少图片附近有样稿：多样性是否齐全？", 1, True,
    ),
    "copies": Words(
        "Copy rate", "复制率",
        "Drafts that come nearer to a picture of the archive than all but 1 % of its pictures come to each other. About 1 % is as good as real.",
        "比档案内 99% 的图片彼此距离还近的样稿。约 1% 即与真实相当。", -1, True,
    ),
    "authenticity": Words(
        "Authenticity", "原创性",
        "Drafts farther from their nearest picture than that one is from its own nearest. Near 0: copies; about half: like fresh real "
        "pictures; near 100 %: new, or off the mark. Read it with precision.",
        "样稿与最近图片的距离大于该图片与其最近邻的距离的比例。接近 0 为复制；约一半如同新的真实图片；接近 100% 则是新颖或跑偏，请结合精确率来读。", 0, True,
    ),
    "fid": Words("FID", "FID", "The Fréchet distance on Inception's features, as in the literature.", "Inception 特征上的 Fréchet 距离，与文献一致。", -1),
    "kid": Words("KID × 1000", "KID × 1000", "The kernel distance on Inception's features.", "Inception 特征上的核距离。", -1),
}  # fmt: skip

CURVES = {
    "distance": ("Fréchet distance while learning", "训练中的 Fréchet 距离"),
    "copies": ("Copy rate while learning", "训练中的复制率"),
    "generator": ("Generator's loss", "生成器损失"),
    "discriminator": ("Discriminator's loss", "判别器损失"),
    "accuracy": ("Discriminator is right", "判别器正确率"),
}
