/* Node-API's few functions that the addons of the tests need, so that no headers of Node.js are. */
#include <stddef.h>

typedef struct napi_env_ *env;
typedef struct napi_value_ *value;
typedef struct napi_callback_info_ *callback_info;
typedef value (*callback)(env, callback_info);
int napi_get_cb_info(env, callback_info, size_t *, value *, value *, void **);
int napi_get_value_double(env, value, double *);
int napi_create_function(env, const char *, size_t, callback, void *, value *);
int napi_set_named_property(env, value, const char *, value);
