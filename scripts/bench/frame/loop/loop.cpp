/*
 * The measure for a whole frame: decode a JPEG with OpenCV, resize its centred
 * square by INTER_AREA and run a network with ONNX Runtime's C API, in one
 * loop in one process, with one thread for OpenCV.
 *
 *   loop LIBRARY MODEL THREADS JPEG OUTPUT...
 *
 * Reads a number N from each line of standard input, does N frames and writes
 * for each of them a line with the nanoseconds of decoding, resizing and running.
 */
#include <dlfcn.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <vector>

#include <opencv2/core.hpp>
#include <opencv2/imgcodecs.hpp>
#include <opencv2/imgproc.hpp>

#include "onnxruntime_c_api.h"

static const int side = 224;
static const OrtApi *api;

static void fail(const char *what, const char *why)
{
	std::fprintf(stderr, "loop: %s: %s\n", what, why);
	std::exit(1);
}

static void must(OrtStatus *status, const char *what)
{
	if (status != nullptr)
		fail(what, api->GetErrorMessage(status));
}

static void load(const char *library)
{
	void *handle = dlopen(library, RTLD_LAZY);
	if (handle == nullptr)
		fail("open library", dlerror());
	auto base = reinterpret_cast<const OrtApiBase *(*)()>(dlsym(handle, "OrtGetApiBase"));
	api = base == nullptr ? nullptr : base()->GetApi(ORT_API_VERSION);
	if (api == nullptr)
		fail(library, "it has not the C API of this header");
}

/* The session options of gourdian-infer. */
static OrtSession *open_session(const char *model, int threads)
{
	OrtEnv *env;
	OrtSessionOptions *options;
	OrtSession *session;
	must(api->CreateEnv(ORT_LOGGING_LEVEL_WARNING, "loop", &env), "create environment");
	must(api->CreateSessionOptions(&options), "create options");
	must(api->SetSessionGraphOptimizationLevel(options, ORT_ENABLE_ALL), "set optimisation");
	must(api->SetSessionExecutionMode(options, ORT_SEQUENTIAL), "set execution mode");
	must(api->SetInterOpNumThreads(options, 1), "set threads");
	must(api->SetIntraOpNumThreads(options, threads), "set threads");
	must(api->AddSessionConfigEntry(options, "session.intra_op.allow_spinning", "0"), "stop spinning");
	must(api->AddSessionConfigEntry(options, "session.inter_op.allow_spinning", "0"), "stop spinning");
	must(api->CreateSession(env, model, options, &session), "open model");
	return session;
}

using Clock = std::chrono::steady_clock;

static long long nanoseconds(Clock::time_point from, Clock::time_point to)
{
	return std::chrono::duration_cast<std::chrono::nanoseconds>(to - from).count();
}

int main(int argc, char **argv)
{
	if (argc < 6) {
		std::fprintf(stderr, "usage: loop LIBRARY MODEL THREADS JPEG OUTPUT...\n");
		return 2;
	}
	load(argv[1]);
	cv::setNumThreads(1);
	OrtSession *session = open_session(argv[2], std::atoi(argv[3]));
	std::ifstream in(argv[4], std::ios::binary);
	const std::vector<unsigned char> jpeg{std::istreambuf_iterator<char>(in), {}};

	cv::Mat rgb(side, side, CV_8UC3);
	OrtMemoryInfo *memory;
	must(api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory), "describe memory");
	const int64_t shape[] = {1, side, side, 3};
	const char *input = "image";
	OrtValue *image;
	must(api->CreateTensorWithDataAsOrtValue(memory, rgb.data, side * side * 3, shape, 4,
		ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, &image), "make input");
	const size_t outputs = argc - 5;
	std::vector<OrtValue *> values(outputs, nullptr);

	int frames;
	while (std::cin >> frames) {
		for (int i = 0; i < frames; i++) {
			const auto begin = Clock::now();
			const cv::Mat bgr = cv::imdecode(jpeg, cv::IMREAD_COLOR | cv::IMREAD_IGNORE_ORIENTATION);
			if (bgr.empty())
				fail("decode", argv[4]);
			const auto decoded = Clock::now();
			const int square = std::min(bgr.cols, bgr.rows);
			const cv::Rect centre((bgr.cols - square) / 2, (bgr.rows - square) / 2, square, square);
			cv::Mat small;
			cv::resize(bgr(centre), small, cv::Size(side, side), 0, 0, cv::INTER_AREA);
			cv::cvtColor(small, rgb, cv::COLOR_BGR2RGB);
			const auto resized = Clock::now();
			must(api->Run(session, nullptr, &input, &image, 1, argv + 5, outputs, values.data()), "run");
			const auto done = Clock::now();
			for (OrtValue *&value : values) {
				api->ReleaseValue(value);
				value = nullptr;
			}
			std::printf("%lld %lld %lld\n", nanoseconds(begin, decoded), nanoseconds(decoded, resized), nanoseconds(resized, done));
		}
		std::fflush(stdout);
	}
	return 0;
}
