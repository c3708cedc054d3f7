"""Quantizes a float graph with ONNX Runtime's own static quantizer.

peer.py FLOAT RANGES OUT: the ranges are those of the file that gourdian uses,
so that only the making of the graph differs.
"""
import sys

import numpy as np
import onnx
from onnxruntime.quantization import QuantType
from onnxruntime.quantization.calibrate import CalibrationMethod, TensorData, TensorsData
from onnxruntime.quantization.qdq_quantizer import QDQQuantizer

source, ranges, out = sys.argv[1:]
model = onnx.load(source)
bounds = {}
with open(ranges, encoding="utf-8") as lines:
    for line in lines:
        if not line.startswith("#"):
            name, low, high = line.split()
            bounds[name] = (float(low), float(high))
bounds["image_normal"] = (-127 / 128, 1.0)
for node in model.graph.node:
    # What a Clip gives stands in the file; what goes into it does not matter.
    if node.op_type == "Clip":
        bounds[node.input[0]] = bounds[node.output[0]]
tensors = TensorsData(
    CalibrationMethod.MinMax,
    {n: TensorData(lowest=np.array(low, np.float32), highest=np.array(high, np.float32)) for n, (low, high) in bounds.items()},
)
quantizer = QDQQuantizer(
    model,
    per_channel=True,
    reduce_range=False,
    weight_qType=QuantType.QInt8,
    activation_qType=QuantType.QUInt8,
    tensors_range=tensors,
    nodes_to_quantize=[n.name for n in model.graph.node if n.op_type in ("Conv", "Clip", "Add")],
    nodes_to_exclude=[],
    op_types_to_quantize=["Conv", "Clip", "Add"],
    extra_options={},
)
quantizer.quantize_model()
quantizer.model.topological_sort()  # gourdian refuses values that are used before they are made
onnx.save(quantizer.model.model, out)
