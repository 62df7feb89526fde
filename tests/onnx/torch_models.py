#!/usr/bin/env python3
"""Exports models by PyTorch, with inputs and what PyTorch answers, for tests/onnx/imported.sh:

    python3 torch_models.py FOLDER          those of usual sizes
    python3 torch_models.py FOLDER small    the same in small, as in tests/onnx/golden

SPDX-License-Identifier: MIT"""
import os
import sys
import warnings

import torch
from torch import nn


class Block(nn.Module):
    """A basic block of a ResNet."""

    def __init__(self, inputs, outputs, stride):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(outputs)
        self.relu = nn.ReLU()
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.downsample = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs))

    def forward(self, x):
        y = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(x)))))
        return self.relu(y + (x if self.downsample is None else self.downsample(x)))


class ResNet(nn.Module):
    """As torchvision has it: of (64, 128, 256, 512) maps and two blocks each it is ResNet-18."""

    def __init__(self, maps, blocks, classes):
        super().__init__()
        self.conv1 = nn.Conv2d(3, maps[0], 7, 2, 3, bias=False)
        self.bn1 = nn.BatchNorm2d(maps[0])
        self.relu = nn.ReLU()
        self.maxpool = nn.MaxPool2d(3, 2, 1)
        layers, inputs = [], maps[0]
        for i, outputs in enumerate(maps):
            layers.append(nn.Sequential(*(Block(inputs if j == 0 else outputs, outputs, 2 if i > 0 and j == 0 else 1)
                                          for j in range(blocks))))
            inputs = outputs
        self.layers = nn.Sequential(*layers)
        self.avgpool = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(maps[-1], classes)

    def forward(self, x):
        x = self.layers(self.maxpool(self.relu(self.bn1(self.conv1(x)))))
        return self.fc(torch.flatten(self.avgpool(x), 1))


class Attention(nn.Module):
    """Self-attention as timm spells it, or with three projections as others do."""

    def __init__(self, width, heads, together):
        super().__init__()
        self.heads, self.together = heads, together
        self.qkv = nn.Linear(width, 3 * width) if together else None
        self.parts = None if together else nn.ModuleList(nn.Linear(width, width) for _ in range(3))
        self.proj = nn.Linear(width, width)

    def forward(self, x):
        n, t, d = x.shape
        if self.together:
            q, k, v = self.qkv(x).reshape(n, t, 3, self.heads, d // self.heads).permute(2, 0, 3, 1, 4).unbind(0)
        else:
            q, k, v = (part(x).view(n, t, self.heads, d // self.heads).transpose(1, 2) for part in self.parts)
        scores = (q @ k.transpose(-2, -1)) * (d // self.heads) ** -0.5
        return self.proj((scores.softmax(dim=-1) @ v).transpose(1, 2).reshape(n, t, d))


class ViTBlock(nn.Module):
    """Patches, a block of a vision transformer, and a classifier of the mean."""

    def __init__(self, side, width, heads, together):
        super().__init__()
        self.patches = nn.Conv2d(3, width, 4, 4)
        self.positions = nn.Parameter(torch.randn(1, (side // 4) ** 2, width) * 0.1)
        self.norm1, self.norm2, self.norm = nn.LayerNorm(width), nn.LayerNorm(width), nn.LayerNorm(width)
        self.attn = Attention(width, heads, together)
        self.mlp = nn.Sequential(nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))
        self.head = nn.Linear(width, 10)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2) + self.positions
        x = x + self.attn(self.norm1(x))
        x = x + self.mlp(self.norm2(x))
        return self.head(self.norm(x).mean(dim=1))


def mlp(inputs, width):
    return nn.Sequential(nn.Linear(inputs, width), nn.BatchNorm1d(width), nn.ReLU(), nn.Dropout(0.5),
                         nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 8, bias=False), nn.LeakyReLU(0.2),
                         nn.Linear(8, 5), nn.Softmax(dim=-1))


def lenet(side, maps, width):
    return nn.Sequential(nn.Conv2d(1, maps, 5, padding=2), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(maps, 2 * maps, 5),
                         nn.Tanh(), nn.MaxPool2d(2), nn.Flatten(),
                         nn.Linear(2 * maps * ((side // 2 - 4) // 2) ** 2, width), nn.Tanh(), nn.Linear(width, 84),
                         nn.ReLU(), nn.Linear(84, 10))


def grouped():
    """Depthwise and 1 x 1 convolutions in turn, as in small networks for images."""
    return nn.Sequential(nn.Conv2d(3, 12, 3, padding=1, groups=3), nn.SiLU(), nn.Conv2d(12, 12, 3, 2, 1, groups=12),
                         nn.BatchNorm2d(12), nn.ReLU(), nn.Conv2d(12, 8, 1), nn.Flatten(), nn.Linear(8 * 4 * 4, 5))


class Tokens(nn.Module):
    """An embedding with learned positions; tokens come as floats."""

    def __init__(self):
        super().__init__()
        self.embedding, self.where = nn.Embedding(16, 6), nn.Parameter(torch.randn(5, 6))
        self.norm, self.last = nn.LayerNorm(6), nn.Linear(30, 5)

    def forward(self, x):
        return self.last(torch.flatten(self.norm(self.embedding(x.long()) + self.where), 1))


def main():
    folder = sys.argv[1]
    small = sys.argv[2:] == ["small"]
    warnings.filterwarnings("ignore")
    torch.manual_seed(1)
    torch.set_num_threads(1)
    if small:
        models = {"mlp": (mlp(6, 12), (6,)), "lenet": (lenet(16, 3, 8), (1, 16, 16)),
                  "resnet": (ResNet((4, 6), 1, 5), (3, 16, 16)), "vit": (ViTBlock(8, 12, 2, True), (3, 8, 8)),
                  "vit_three": (ViTBlock(8, 12, 2, False), (3, 8, 8))}
    else:
        models = {"mlp": (mlp(20, 32), (20,)), "lenet": (lenet(28, 6, 120), (1, 28, 28)),
                  "vit": (ViTBlock(32, 48, 4, True), (3, 32, 32)),
                  "vit_three": (ViTBlock(32, 48, 4, False), (3, 32, 32)),
                  "grouped": (grouped(), (3, 8, 8)), "tokens": (Tokens(), (5,)),
                  "resnet18": (ResNet((64, 128, 256, 512), 2, 1000), (3, 64, 64))}
    for name, (model, shape) in models.items():
        for module in model.modules():
            if isinstance(module, (nn.BatchNorm1d, nn.BatchNorm2d)):
                module.running_mean.normal_(0, 0.1)
                module.running_var.uniform_(0.5, 1.5)
                nn.init.uniform_(module.weight, 0.5, 1.5)
        model.eval()
        x = torch.randn(8, *shape) if name != "tokens" else torch.randint(16, (8, *shape)).float()
        with torch.no_grad():
            body = model[:-1] if isinstance(model, nn.Sequential) and isinstance(model[-1], nn.Softmax) else model
            y = body(x)
        x.numpy().astype("<f4").tofile(os.path.join(folder, name + ".x"))
        y.numpy().astype("<f4").tofile(os.path.join(folder, name + ".y"))
        opsets = (9, 17) if small else (13,) if name == "resnet18" else (9, 11, 13, 17)
        for opset in opsets:
            for training in (torch.onnx.TrainingMode.EVAL, torch.onnx.TrainingMode.PRESERVE)[(small and opset == 17):]:
                kind = "" if training == torch.onnx.TrainingMode.EVAL else "_apart"
                path = os.path.join(folder, f"{name}_{opset}{kind}.onnx")
                torch.onnx.export(model, x[:1], path, opset_version=opset, training=training,
                                  do_constant_folding=not kind)


if __name__ == "__main__":
    main()
