/* Whole numbers looked up in a table. */
#ifndef EQ_RELABEL_H
#define EQ_RELABEL_H

#include <stdint.h>

typedef struct {
    int32_t size;         /* elements */
    int32_t first, count; /* the number that the first entry is for; entries */
    const int32_t *labels;
} eq_relabel_params;

/* Numbers beyond the table get its nearest end. The output may start where the input does. */
void eq_relabel_ref(const eq_relabel_params *p, const int32_t *input, int32_t *output);

#endif
