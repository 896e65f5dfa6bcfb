/* Rows of a table of real numbers that are stored in fewer bits. */
#ifndef EQ_EMBED_STORED_H
#define EQ_EMBED_STORED_H

#include <stdint.h>

#include "eq/stored.h"

typedef struct {
    int32_t count; /* places */
    int32_t size;  /* rows of the table */
    eq_stored table;
} eq_embed_stored_params;

/* Places are those of eq_gather_at_params. */
void eq_embed_stored_ref(const eq_embed_stored_params *p, const int32_t *places, float *output);

#endif
