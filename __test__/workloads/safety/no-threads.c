/*
 * Preloaded (ld.so(8), LD_PRELOAD): no thread can be started while the environment has EVERFLAME_TEST_NO_THREADS, as where
 * a limit of threads is reached.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

typedef int (*create)(pthread_t *, const pthread_attr_t *, void *(*)(void *), void *);

int pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*start)(void *), void *argument) {
  if (getenv("EVERFLAME_TEST_NO_THREADS")) return EAGAIN;
  create next = (create)dlsym(RTLD_NEXT, "pthread_create");
  return next ? next(thread, attributes, start, argument) : ENOSYS;
}
