/*
 * An addon that burns CPU time in a function of its own name: compiled with -DNAME=<name>.
 */
#include <time.h>

#include "../node_api.h"

int napi_create_double(env, double, value *);

static double clock_of_thread(void) {
  struct timespec time;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return time.tv_sec * 1e9 + time.tv_nsec;
}

__attribute__((noinline)) double NAME(double nanoseconds) {
  const double start = clock_of_thread();
  volatile double sum = 0;
  while (clock_of_thread() - start < nanoseconds)
    for (int round = 0; round < 100000; round++) sum += round;
  return clock_of_thread() - start;
}

/* Burns so many nanoseconds, and tells how many they were. */
static value burn(env env, callback_info info) {
  size_t count = 1;
  value argument, spent;
  double nanoseconds;
  napi_get_cb_info(env, info, &count, &argument, NULL, NULL);
  napi_get_value_double(env, argument, &nanoseconds);
  napi_create_double(env, NAME(nanoseconds), &spent);
  return spent;
}

__attribute__((visibility("default"))) value napi_register_module_v1(env env, value exports) {
  value function;
  napi_create_function(env, "burn", (size_t)-1, burn, NULL, &function);
  napi_set_named_property(env, exports, "burn", function);
  return exports;
}
