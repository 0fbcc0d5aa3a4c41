"""An evaluation in plain words, English and Chinese: what each figure is called, what it says, what is good; remarks. Text only."""

from dataclasses import asdict, dataclass

from muslin.studio.lookbook import CLASSES_ZH


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

LOOKS: dict[str, Words] = {
    "style": Words(
        "Style distance", "风格距离",
        "How far the cloth on the garment is from the style that was wanted, on layers that were not optimised. 0 is the style itself.",
        "服装上的面料与目标风格相距多远，在未参与优化的特征层上测量。0 即风格本身。", -1,
    ),
    "content": Words(
        "Content distance", "内容距离",
        "How much of the picture has changed: parts, folds, and the old cloth itself, so that a bold print on a plain garment is a change too.",
        "画面改变了多少：部件、褶皱，也包括原来的面料，因此素色服装换上醒目的印花也算改变。", -1,
    ),
    "cloth_score": Words(
        "(1 + content) (1 + style)", "（1 + 内容）（1 + 风格）",
        "Both in one figure, to compare ways of dressing; our own, never to be quoted as another's. Smaller is better.",
        "把两者合成一个数，用来比较不同的着装方式；这是本工具自定的指标，不能当作其他论文的指标引用。越小越好。", -1,
    ),
    "silhouette": Words(
        "Silhouette", "轮廓保持",
        "How far the outlines before and after cover each other (intersection over union). Under 99 % something has moved.",
        "着装前后轮廓的重合程度（交并比）。低于 99% 说明轮廓变了。", 1, True,
    ),
    "background": Words(
        "Change of the ground", "背景变化",
        "The largest change outside the garment, in levels of 255. Should be 0: the ground is the photo's own.",
        "服装以外的最大改变，以 255 级灰阶计。应为 0：背景应与原图完全一致。", -1,
    ),
    "shading": Words(
        "Folds", "褶皱保持",
        "Correlation of the broad light and dark with that of the garment before: 1 is the same folds. A cloth with large light and dark motifs lowers it.",
        "着装前后大面积明暗的相关系数，1 为完全相同。面料本身有大块明暗图案时会偏低。", 1,
    ),
    "seam": Words(
        "Seam of the repeat", "循环接缝",
        "Prints only: the step across the tile's border by the largest steps inside. 1 or less is no seam.",
        "仅用于印花：循环单元边界处的跳变与内部最大跳变之比。不超过 1 即看不出接缝。", -1,
    ),
}  # fmt: skip

CURVES = {
    "distance": ("Fréchet distance while learning", "训练中的 Fréchet 距离"),
    "copies": ("Copy rate while learning", "训练中的复制率"),
    "generator": ("Generator's loss", "生成器损失"),
    "discriminator": ("Discriminator's loss", "判别器损失"),
    "accuracy": ("Discriminator is right", "判别器正确率"),
}


@dataclass(frozen=True)
class Remark:
    """What a person should know besides the figures."""

    en: str
    zh: str

    def plain(self) -> dict[str, str]:
        """For reports."""
        return asdict(self)


def remark(name: str, **values: object) -> Remark:
    """A row of REMARKS with its values. A remark among the values goes in in its language; so does a list of kinds or remarks."""
    english, chinese = REMARKS[name]
    return Remark(
        english.format(**{key: _said(value, "en", ", ") for key, value in values.items()}),
        chinese.format(**{key: _said(value, "zh", "、") for key, value in values.items()}),
    )


def _said(value: object, language: str, comma: str) -> object:
    if isinstance(value, Remark):
        return getattr(value, language)
    if isinstance(value, list):
        kinds = CLASSES_ZH if language == "zh" else {}
        return comma.join(kinds.get(part, part) if isinstance(part, str) else str(_said(part, language, comma)) for part in value)
    return value


REMARKS = {
    "no fid": (
        "{why}; the figures are on the embedded features",
        "没有 FID 与 KID：本机未安装 torch-fidelity，或没有 Inception 权重（pip install 'muslin[inception]'，或用 --inception 指定权重文件）；"
        "各项指标均基于内置特征",
    ),
    "no common class": (
        "{generator} and {data} have no class in common: drafts of all classes evenly, no figures by class",
        "{generator} 与 {data} 没有共同的品类：样稿在各品类间平均抽取，不分品类给出指标",
    ),
    "unknown classes": (
        "{generator} does not know {kinds}: those pictures count, none of them is drawn",
        "{generator} 不认识以下品类：{kinds}；这些图片仍计入对照，但不会画出此类样稿",
    ),
    "other size": (
        "{generator} draws {size} px; it is held against {kind} pictures of {side} px: part of the distance is that",
        "{generator} 画的是 {size} px，对照的是 {side} px 的{kind}图片：距离中有一部分由此而来",
    ),
    "colour": ("colour", "彩色"),
    "grey": ("grey", "灰度"),
    "chosen": ("{some:,} of the {all:,} pictures of {data}, chosen at random", "从 {data} 的 {all:,} 张图片中随机选取了 {some:,} 张"),
    "not held out": (
        "{twice} of {all} held-out pictures are in {data} too: they are left out",
        "{all} 张预留图片中有 {twice} 张也在 {data} 里，已剔除",
    ),
    "no held out": (
        "no held-out pictures (--held-out): the data-copying test is left out; copy rate and authenticity need none",
        "没有预留图片（--held-out），因此未做数据复制检验；复制率与原创性不需要预留图片",
    ),
    "few": (
        "{drafts:,} drafts and {pictures:,} pictures are too few for a covariance of {features:,} features: the Frechet distance is "
        "on the training set's {axes} principal axes ({share:.0%} of its variance); compare it only with such a one",
        "{drafts:,} 张样稿和 {pictures:,} 张图片不足以估计 {features:,} 维特征的协方差：Fréchet 距离改在训练集的 {axes} 个主轴上计算"
        "（占其方差的 {share:.0%}），只能与主轴数相同的结果比较",
    ),
    "few for fid": (
        "FID of {pictures:,} pictures: too few for a covariance of {features:,} features, it is much too large; go by KID",
        "FID 只用了 {pictures:,} 张图片，不足以估计 {features:,} 维特征的协方差，数值明显偏大；请以 KID 为准",
    ),
    "small": (
        "too few for figures of their own (at least {least} each): {kinds}",
        "数量太少，不单独给出指标（图片和样稿各至少 {least} 张）：{kinds}",
    ),
    "counted": ("{kind} ({pictures} pictures, {drafts} drafts)", "{kind}（图片 {pictures} 张，样稿 {drafts} 张）"),
    "resize": (
        "pictures to {side} px (bicubic with antialiasing, padded to a square on the ground's colour); to 96 px (bilinear with antialiasing) "
        "for the embedded encoder",
        "图片缩放到 {side} px（双三次插值，抗锯齿，以底色补成正方形）；输入内置编码器前再缩放到 96 px（双线性插值，抗锯齿）",
    ),
    "interval": (
        "95 %, bootstrap percentiles over rows, {resamples} resamples; see docs/evaluation.md",
        "95%，对样本逐行自助重采样 {resamples} 次取百分位；详见 docs/evaluation.md",
    ),
    "crossed": (
        "95 %, bootstrap percentiles, {resamples} resamples of the garments and of the styles (not of the results, which share them)",
        "95%，自助重采样 {resamples} 次取百分位；重采样的是服装与风格，而不是结果，因为多个结果共用同一件服装或同一种风格",
    ),
    "looked at": (
        "each result at its own size ({sizes} px), beside what it was made on brought to that size as it was for dressing",
        "每个结果按其自身尺寸（{sizes} px）测量，并与按同样方式缩放到该尺寸的着装前图片对照",
    ),
    "no looks": (
        "{count} pictures without the recipe of a look are left out: {files}",
        "{count} 张图片没有着装配方，未计入：{files}",
    ),
    "not found": (
        "{count} results could not be measured; the first: {why}",
        "{count} 个结果无法测量，已略过：图片被裁切或缩放过，或配方所记载的图片不在此处（用 --look-in 指定其文件夹）",
    ),
    "few looks": (
        "{garments} garments and {styles} styles: with so few the bounds are rough, and too narrow rather than too wide",
        "只有 {garments} 件服装和 {styles} 种风格：数量太少，区间只是粗略估计，且往往偏窄",
    ),
    "outline": (
        "the outline of {count} results has moved (under 99 %): {files}",
        "{count} 个结果的轮廓发生了变化（低于 99%）：{files}",
    ),
    "ground": (
        "the ground of {count} results is not the photo's own any more: {files}",
        "{count} 个结果的背景与原图不再一致：{files}",
    ),
    "sizes": (
        "results of several sizes ({sizes} px): distances depend on the size, compare only within one",
        "结果的尺寸不一（{sizes} px）：距离与尺寸有关，只能在同一尺寸内比较",
    ),
    "unpaired": (
        "{count} results of {folder} have no partner of the same garment in the same styles: they count in the means, not in the differences",
        "{folder} 中有 {count} 个结果在另一文件夹里没有同一服装、同一风格的对应结果：计入平均值，不计入差异",
    ),
}  # fmt: skip
