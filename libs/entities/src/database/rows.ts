import { getMetadataArgsStorage } from 'typeorm';
import { v7 } from 'uuid';
import { sql } from './statement';
import type { Reader, Tx } from './tx';

/** A row that has an id in its tenant. */
interface TenantRow {
  tenant_id: string;
  id: string;
}

/**
 * The ordinary statements on a table, which all answer with the same columns. A method that looks for a row takes the columns that
 * must be equal. Make one at the top of a repository, so that its statements are declared when the module is loaded.
 */
export class Rows<E extends TenantRow, K extends keyof E & string> {
  private readonly table: string;
  private readonly texts = new Map<string, string>();

  /**
   * @param columns The columns that rows are shown with. Any column may be written.
   * @param touch What each update sets, too: `updated_at`, if the table has one; a repository may add a version that counts up.
   */
  constructor(
    private readonly entity: new () => E,
    private readonly columns: readonly K[],
    private readonly touch: string = touchOf(entity),
  ) {
    this.table = tableOf(entity);
    const [some] = columns.filter((name) => name !== 'id');
    const texts = [this.insertText(columns), this.updateText(['id'], some ? [some] : []), this.findText(['id'])];
    texts.push(this.findText(['id'], 'for update'), this.pageText([], false), this.pageText([], true));
    texts.push(this.removeText(['id']));
    texts.forEach(sql);
  }

  /** Inserts a row of the transaction's tenant, with a new id unless `values` has one. Resolves to the row. */
  async insert(tx: Tx, values: Partial<E>): Promise<Pick<E, K>> {
    const fields = { tenant_id: tx.tenant_id, id: v7(), ...values };
    const names = namesOf(fields);
    const [row] = await tx.write<Pick<E, K>>(this.insertText(names), this.params(tx, names, fields));
    if (!row) throw new Error('What was inserted is returned.');
    return row;
  }

  /** Sets what is given. Resolves to the changed row; undefined when there was none. */
  async update(tx: Tx, where: Partial<E>, values: Partial<E>): Promise<Pick<E, K> | undefined> {
    const [by, set] = [namesOf(where), namesOf(values)];
    const params = [...this.params(tx, by, where), ...this.params(tx, set, values)];
    const [row] = await tx.write<Pick<E, K>>(this.updateText(by, set), params);
    return row;
  }

  /** Removes a row. Resolves to the row as it was; undefined when there was none. */
  async remove(tx: Tx, where: Partial<E>): Promise<Pick<E, K> | undefined> {
    const by = namesOf(where);
    const [row] = await tx.write<Pick<E, K>>(this.removeText(by), this.params(tx, by, where));
    return row;
  }

  async find(db: Reader, where: Partial<E>): Promise<Pick<E, K> | undefined> {
    const by = namesOf(where);
    const [row] = await db.read<Pick<E, K>>(
      this.findText(by),
      by.map((name) => where[name]),
    );
    return row;
  }

  /** Resolves to the row, which nobody else changes until the transaction ends; undefined when there is none. */
  async lock(tx: Tx, where: Partial<E>): Promise<Pick<E, K> | undefined> {
    const by = namesOf(where);
    const [row] = await tx.read<Pick<E, K>>(
      this.findText(by, 'for update'),
      by.map((name) => where[name]),
    );
    return row;
  }

  /** Resolves to rows, newest first, at most `limit`; those before the id `after`, if it is given. */
  page(db: Reader, after: string | undefined, limit: number, where: Partial<E> = {}): Promise<Pick<E, K>[]> {
    const by = namesOf(where);
    const params = [limit, ...by.map((name) => where[name]), ...(after === undefined ? [] : [after])];
    return db.read<Pick<E, K>>(this.pageText(by, after !== undefined), params);
  }

  private insertText(names: readonly string[]): string {
    return this.once(`insert ${names.join()}`, () => {
      const values = names.map((_, index) => `$${index + 1}`);
      return `insert into ${this.table} (${names.join(', ')}) values (${values.join(', ')}) returning ${this.shown}`;
    });
  }

  private updateText(by: readonly string[], set: readonly string[]): string {
    return this.once(`update ${by.join()} ${set.join()}`, () => {
      const changes = [...equal(set, by.length + 1), this.touch].filter((change) => change !== '').join(', ');
      return `update ${this.table} set ${changes} where ${equal(by).join(' and ')} returning ${this.shown}`;
    });
  }

  private removeText(by: readonly string[]): string {
    return this.once(`remove ${by.join()}`, () => {
      return `delete from ${this.table} where ${equal(by).join(' and ')} returning ${this.shown}`;
    });
  }

  private findText(by: readonly string[], lock = ''): string {
    return this.once(`find ${by.join()} ${lock}`, () =>
      `select ${this.shown} from ${this.table} where ${equal(by).join(' and ')} ${lock}`.trim(),
    );
  }

  private pageText(by: readonly string[], goesOn: boolean): string {
    return this.once(`page ${by.join()} ${goesOn}`, () => {
      const conditions = [...equal(by, 2), ...(goesOn ? [`id < $${by.length + 2}`] : [])];
      const where = conditions.length > 0 ? `where ${conditions.join(' and ')} ` : '';
      return `select ${this.shown} from ${this.table} ${where}order by id desc limit $1`;
    });
  }

  private get shown(): string {
    return this.columns.join(', ');
  }

  private once(key: string, write: () => string): string {
    const text = this.texts.get(key) ?? write();
    this.texts.set(key, text);
    return text;
  }

  /** Returns the values as the driver wants them: an array is an array in one column, and JSON in another. */
  private params(tx: Tx, names: readonly (keyof E & string)[], values: Partial<E>): unknown[] {
    const { driver } = tx.connection;
    const metadata = tx.connection.getMetadata(this.entity);
    return names.map((name) => {
      const column = metadata.findColumnWithPropertyName(name);
      if (!column) throw new Error(`${this.table} has no column ${name}.`);
      return driver.preparePersistentValue(values[name], column) as unknown;
    });
  }
}

const equal = (names: readonly string[], first = 1) => names.map((name, index) => `${name} = $${first + index}`);

const namesOf = <E extends object>(fields: E) =>
  (Object.keys(fields) as (keyof E & string)[]).filter((name) => fields[name] !== undefined);

const touchOf = (entity: new () => object): string =>
  getMetadataArgsStorage().columns.some(
    ({ target, propertyName }) => target === entity && propertyName === 'updated_at',
  )
    ? 'updated_at = now()'
    : '';

function tableOf(entity: new () => object): string {
  const table = getMetadataArgsStorage().tables.find(({ target }) => target === entity);
  if (!table?.name) throw new Error(`${entity.name} is no entity with a table.`);
  return table.name;
}
