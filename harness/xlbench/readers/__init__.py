"""Readers of data in files and on the hub, for tasks and corpora of any plugin.

| data | one file | a folder of files, or a release as it is unpacked |
|---|---|---|
| tables (TSV, CSV) of texts with a label, a number or a translation | `read_table` | `table_files` |
| words and entity tags in columns: IOB1, IOB2, IOBES, BILOU, BMES | `read_conll` | `conll_files` |
| CoNLL-U: words and universal tags | `read_conllu` | `conllu_files` |
| CoNLL-U: words and dependency trees | `read_trees` | `tree_files` |
| SQuAD 1.1's JSON | `read_squad` | `squad_files` |
| a format of your own | `read_lines`, `read_text` | `Reader` |
| a set on the hub, in parquet files | | `HubData` |
| unlabelled text | | `read_text_folder` |
| unlabelled text on the hub | | `HubText` |

A function of the second column takes a path and a limit, and gives a `Reading`: a list of examples with the
notes that `xlbench plan` shows. A function of the third column gives a `Reader`, which `read_folders` makes a
`TaskData` of. Whatever is wrong with a file is a DataError of one line that names the file, the line where it
has lines, and what to do.
"""

from xlbench.readers.conll import iob2, read_conll
from xlbench.readers.conllu import VERSION as CONLLU_VERSION
from xlbench.readers.conllu import read_conllu, read_trees, tree_fault
from xlbench.readers.folders import FolderData, Reader, read_folders
from xlbench.readers.formats import conll_files, conllu_files, squad_files, table_files, tree_files
from xlbench.readers.forms import LabelledTexts, RatedPairs, TableForm, Translations
from xlbench.readers.hub_sets import HubData
from xlbench.readers.hub_text import HubText
from xlbench.readers.lines import read_lines, read_text
from xlbench.readers.reading import Reading
from xlbench.readers.squad import answered, read_squad
from xlbench.readers.surface import words_in_text
from xlbench.readers.tables import read_table
from xlbench.readers.texts import read_text_folder

__all__ = [
    "CONLLU_VERSION",
    "FolderData",
    "HubData",
    "HubText",
    "LabelledTexts",
    "RatedPairs",
    "Reader",
    "Reading",
    "TableForm",
    "Translations",
    "answered",
    "conll_files",
    "conllu_files",
    "iob2",
    "read_conll",
    "read_conllu",
    "read_folders",
    "read_lines",
    "read_squad",
    "read_table",
    "read_text",
    "read_text_folder",
    "read_trees",
    "squad_files",
    "table_files",
    "tree_fault",
    "tree_files",
    "words_in_text",
]
