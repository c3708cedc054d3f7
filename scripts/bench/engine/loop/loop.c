/*
 * The measure for the engine: a network run by ONNX Runtime's C API alone, in
 * a loop, on tensors made once, with the session options of gourdian-infer.
 *
 *   loop LIBRARY MODEL THREADS OUTPUT:VALUES...
 *
 * Reads lines "N SEED" from standard input: runs N times on a picture made of
 * SEED, then writes the N times in nanoseconds, a line each, and the sum of all
 * output values, so that both sides can be seen to compute the same.
 */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "onnxruntime_c_api.h"

enum { SIDE = 224, PIXELS = SIDE * SIDE * 3, MAX_OUTPUTS = 8 };

static const OrtApi *api;

static void must(OrtStatus *status, const char *what)
{
	if (status == NULL)
		return;
	fprintf(stderr, "loop: %s: %s\n", what, api->GetErrorMessage(status));
	exit(1);
}

static void load(const char *library)
{
	void *handle = dlopen(library, RTLD_LAZY);
	if (handle == NULL) {
		fprintf(stderr, "loop: %s\n", dlerror());
		exit(1);
	}
	const OrtApiBase *(*base)(void) = (const OrtApiBase *(*)(void))dlsym(handle, "OrtGetApiBase");
	api = base == NULL ? NULL : base()->GetApi(ORT_API_VERSION);
	if (api == NULL) {
		fprintf(stderr, "loop: %s has not the C API of this header\n", library);
		exit(1);
	}
}

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

static int64_t now(void)
{
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

/* paint makes the picture that the driver makes too. */
static void paint(uint8_t *pixels, unsigned seed)
{
	for (int i = 0; i < PIXELS; i++)
		pixels[i] = (uint8_t)((unsigned)i * (2 * seed + 3) + (unsigned)(i / 97) * seed);
}

int main(int argc, char **argv)
{
	if (argc < 5 || argc > 4 + MAX_OUTPUTS) {
		fprintf(stderr, "usage: loop LIBRARY MODEL THREADS OUTPUT:VALUES...\n");
		return 2;
	}
	load(argv[1]);
	OrtSession *session = open_session(argv[2], atoi(argv[3]));
	OrtMemoryInfo *memory;
	must(api->CreateCpuMemoryInfo(OrtArenaAllocator, OrtMemTypeDefault, &memory), "describe memory");

	static uint8_t pixels[PIXELS];
	const int64_t shape[] = {1, SIDE, SIDE, 3};
	const char *input = "image";
	OrtValue *image;
	must(api->CreateTensorWithDataAsOrtValue(memory, pixels, PIXELS, shape, 4,
		ONNX_TENSOR_ELEMENT_DATA_TYPE_UINT8, &image), "make input");

	int outputs = argc - 4;
	const char *names[MAX_OUTPUTS];
	float *values[MAX_OUTPUTS];
	int64_t lengths[MAX_OUTPUTS];
	OrtValue *tensors[MAX_OUTPUTS];
	for (int i = 0; i < outputs; i++) {
		char *colon = strchr(argv[4 + i], ':');
		if (colon == NULL) {
			fprintf(stderr, "loop: %s has no length\n", argv[4 + i]);
			return 2;
		}
		*colon = 0;
		names[i] = argv[4 + i];
		lengths[i] = atoll(colon + 1);
		values[i] = calloc((size_t)lengths[i], sizeof(float));
		const int64_t row[] = {1, lengths[i]};
		must(api->CreateTensorWithDataAsOrtValue(memory, values[i], (size_t)lengths[i] * sizeof(float), row, 2,
			ONNX_TENSOR_ELEMENT_DATA_TYPE_FLOAT, &tensors[i]), "make output");
	}

	int runs;
	unsigned seed;
	while (scanf("%d %u", &runs, &seed) == 2) {
		paint(pixels, seed);
		for (int i = 0; i < runs; i++) {
			int64_t begin = now();
			must(api->Run(session, NULL, &input, (const OrtValue *const *)&image, 1, names, (size_t)outputs, tensors), "run");
			printf("%lld\n", (long long)(now() - begin));
		}
		double sum = 0;
		for (int i = 0; i < outputs; i++)
			for (int64_t j = 0; j < lengths[i]; j++)
				sum += values[i][j];
		printf("%.9g\n", sum);
		fflush(stdout);
	}
	return 0;
}
