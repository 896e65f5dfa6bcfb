/* Runs the model on what comes over the console, and answers there. For boards without files. */
#include "eq_platform.h"
#include "link.h"

int eq_main(int argc, const char *const *argv)
{
    (void)argc;
    (void)argv;
    eq_link_serve();
    return 0;
}
